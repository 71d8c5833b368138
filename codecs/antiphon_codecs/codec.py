"""What every codec can do: speech into units, units into speech, whole or piece by piece."""

from __future__ import annotations

from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

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
    def n_units(self) -> int:
        """Entries of a codebook."""

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
