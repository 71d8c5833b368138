"""`antiphon codec`: speech into units and back."""

from __future__ import annotations

import json as jsons
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon import audio_file
from antiphon.cli.options import given_or
from antiphon.cli.output import Json, print_json
from antiphon.errors import UserError
from antiphon.settings import Models

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from antiphon_codecs.codec import Codec

app = typer.Typer(
    help="Turn speech into units and back.", no_args_is_help=True, add_completion=False
)

Voice = Annotated[str, given_or(Models, "voice")]
Source = Annotated[
    str,
    typer.Option(
        "--codec",
        metavar="NAME",
        help="A codec instead of the voice's: a folder, a file (such as EnCodec's .th), or a name "
        "on the model hub.",
        show_default=False,
    ),
]
SUFFIXES = (".json", ".npz")


@app.command()
def encode(
    voice: Voice,
    sound: Annotated[Path, typer.Argument(metavar="IN.wav", help="Speech.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.json|npz", help="Where to write units.")],
    source: Source = "",
    json: Json = False,
) -> None:
    """Write anybody's speech as units: a voice's codec says them in that voice."""
    require_units_file(out)
    audio_file.read(sound)  # a bad file is named before the codec is loaded
    codec = load(voice, source)
    units = codec.encode(audio_file.read(sound, codec.sample_rate))
    write_units(out, units, codec)
    report(json, codec, units, out)


@app.command()
def decode(
    voice: Voice,
    units_file: Annotated[Path, typer.Argument(metavar="IN.json|npz", help="Units.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.wav", help="Where to write the speech.")],
    source: Source = "",
    json: Json = False,
) -> None:
    """Speak units."""
    audio_file.require_writable(out)
    units = read_units(units_file)
    codec = load(voice, source)
    audio_file.write(out, codec.decode(units), codec.sample_rate)
    report(json, codec, units, out)


def load(voice: str, source: str) -> Codec[Any]:
    """Returns the codec of `source` or, if that is empty, of a voice."""
    from antiphon import weights
    from antiphon.t2c.voice import VoiceConfig
    from antiphon_codecs import codec as codecs

    if source:
        return codecs.from_pretrained(source)
    folder = weights.assets(voice)
    codec = codecs.from_pretrained(folder)
    encoder = weights.read_config(folder, VoiceConfig).speech_encoder
    if encoder and hasattr(codec, "speech_encoder"):
        codec.speech_encoder = lambda pcm: speech_encoder(encoder)(pcm)
    return codec


def speech_encoder(name: str) -> Callable[[NDArray[np.float32]], torch.Tensor]:
    """Returns the audio encoder of a recognizer."""
    from antiphon import weights
    from antiphon.recognition.whisper.audio_encoder import AudioEncoder

    return AudioEncoder.load(weights.path(name)).whole


def report(json: bool, codec: Codec[Any], units: NDArray[np.int64], out: Path) -> None:
    """Say what was written."""
    seconds = units.shape[-1] / codec.unit_rate
    if json:
        print_json({"units": units.shape[-1], "seconds": round(seconds, 3), "out": out})
    else:
        print(f"{units.shape[-1]} units, {seconds:.1f} s of speech, written to {out}")


def require_units_file(path: Path) -> None:
    """Raise a `UserError` if units cannot be written to `path`."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"'{path}' does not say how to write units: end its name in .json or .npz.")
    if path.is_dir():
        raise UserError(f"'{path}' is a folder: give the name of a file to write.")
    if not path.resolve().parent.is_dir():
        raise UserError(f"There is no folder '{path.resolve().parent}': make it first.")
    if not os.access(path if path.exists() else path.resolve().parent, os.W_OK):
        raise UserError(f"'{path}' may not be written: check its permissions.")


def write_units(path: Path, units: NDArray[np.int64], codec: Codec[Any]) -> None:
    """Write units in one step, with what is needed to know where they come from."""
    import numpy as np

    about: dict[str, Any] = {
        "sample_rate": codec.sample_rate,
        "unit_rate": codec.unit_rate,
        "n_units": codec.n_units,
    }
    part = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        if path.suffix == ".json":
            part.write_text(jsons.dumps({**about, "units": units.tolist()}) + "\n", "utf-8")
        else:
            with part.open("wb") as file:
                np.savez(file, units=units, **about)
        part.replace(path)
    except OSError as error:
        raise UserError(f"Cannot write '{path}' ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)


def read_units(path: Path) -> NDArray[np.int64]:
    """Units [T] or [Q, T] of a file `write_units` wrote, or a bare JSON list.

    Raises:
        UserError: there is no such file, or it holds no units.
    """
    import numpy as np

    try:
        if path.suffix == ".npz":
            with np.load(path) as file:
                found = file["units"]
        else:
            held = jsons.loads(path.read_text("utf-8"))
            found = np.array(held["units"] if isinstance(held, dict) else held)
    except OSError as error:
        raise UserError(f"Cannot read '{path}' ({error.strerror or error}).") from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' holds no units: give what `codec encode` wrote.") from error
    if found.ndim not in (1, 2) or not found.size or not np.issubdtype(found.dtype, np.integer):
        raise UserError(f"'{path}' holds no list of units: give what `codec encode` wrote.")
    return np.asarray(found, np.int64)
