"""Codecs: one protocol, and the way from a name to a codec."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.registry import Registry

Pcm: TypeAlias = NDArray[np.float32]
"""[N] mono samples in [-1, 1]."""

Units: TypeAlias = NDArray[np.int64]
"""Codebook indices in [0, n_units): [T] with one codebook, [Q, T] with several."""

State = TypeVar("State")


class Codec(Protocol[State]):
    """Speech <-> units. The codec holds weights only; a stream's state is the caller's.

    Streaming equals offline: the pieces ``step`` returns, joined, are what ``decode`` gives for
    the same units as a whole, within the tolerance the codec states. A state is never changed in
    place, so it may be kept, copied and resumed from.
    """

    @property
    def sample_rate(self) -> int:
        """Samples a second of the speech that goes in and comes out."""

    @property
    def unit_rate(self) -> float:
        """Units a second, in each codebook."""

    @property
    def samples_per_unit(self) -> int:
        """Samples a unit stands for."""

    @property
    def n_units(self) -> int:
        """Entries of a codebook."""

    @property
    def lookahead(self) -> int:
        """Units that ``step`` holds back at most, until what follows them is known."""

    def encode(self, pcm: Pcm) -> Units:
        """Write speech as units.

        Args:
            pcm: [N] samples at ``sample_rate``; any length, also none.

        Returns:
            [T] or [Q, T] units; T is about N / sample_rate * unit_rate.
        """

    def decode(self, units: Units) -> Pcm:
        """Speak units.

        Args:
            units: [T] or [Q, T].

        Returns:
            [N] samples at ``sample_rate``.

        Raises:
            UserError: A unit is not in [0, n_units).
        """

    def start(self) -> State:
        """State of a stream that has not spoken yet."""

    def step(self, units: Units, state: State, final: bool = False) -> tuple[Pcm, State]:
        """Speak the next units of a stream.

        Args:
            units: [T] or [Q, T], the units after those already given; T may be 0.
            state: What ``start`` or the step before returned.
            final: No more units will come, so everything held back is spoken.

        Returns:
            The samples that are certain by now (maybe none), and the state for the next step.

        Raises:
            UserError: A unit is not in [0, n_units).
        """


Loader = Callable[[str | Path], Codec[Any]]
"""Loads the codec of a folder, a file or, where it has any, a name on the model hub."""

CODECS: Registry[Loader] = Registry(
    "kind of codec",
    "antiphon.codecs",
    {
        "unit": "antiphon_codecs.unit.unit_codec:UnitCodec.load",
        "encodec": "antiphon_codecs.encodec.encodec_codec:EncodecCodec.load",
    },
)
"""Loaders by the kind that `config.json` names: "codec" beside a voice, else "model_type"."""

FILES = {".safetensors": "unit", ".th": "encodec"}
"""Kinds of codecs that are one file, by its suffix."""


def from_pretrained(source: str | Path) -> Codec[Any]:
    """Returns a codec.

    Args:
        source: a folder, a file, or a name on the model hub.

    Raises:
        UserError: There is no such codec, or it cannot be fetched.
    """
    return CODECS.get(kind(source))(source)


def kind(source: str | Path) -> str:
    """Returns what kind of codec `source` is: a name of `CODECS`.

    Raises:
        UserError: It cannot be told.
    """
    path = Path(source)
    if path.suffix in FILES:
        return FILES[path.suffix]
    if path.is_dir() and not (path / "config.json").exists():
        for suffix, each in FILES.items():
            if any(path.glob(f"*{suffix}")):
                return each
    try:
        if path.is_dir():
            config = json.loads((path / "config.json").read_text("utf-8"))
        else:
            from transformers import PretrainedConfig

            config, _ = PretrainedConfig.get_config_dict(str(source))
        return str(config.get("codec") or config["model_type"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"There is no codec '{source}': give a folder with a config.json, a file of weights, "
            "or a name on the model hub and a network."
        ) from error
