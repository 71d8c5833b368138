"""Pictures of a speaker's mouth beside the sound, and what of them belongs to a part of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError

FPS = 25
"""Pictures a second."""
SIZE = 32
"""Height and width of a picture."""
SAMPLES = 16_000 // FPS
"""Of sound while a picture is seen."""
SEEN = 0.5
"""Share of the pictures in which the mouth must be seen."""
TOLERANCE = 0.5
"""Seconds by which pictures and sound may differ before the user is told."""


@dataclass(frozen=True, eq=False)
class LipPictures:
    """A mouth, from the first sample of a recording on."""

    pictures: NDArray[np.uint8]
    """[T, SIZE, SIZE] grey, the mouth in the middle; where it is not seen, as it was last seen."""
    seen: NDArray[np.bool_]
    """[T] whether it is."""

    def part(self, start: int, length: int | None = None) -> LipPictures | None:
        """Those of `length` samples from `start` on; None if the mouth is hardly seen in them.

        Args:
            start: first sample.
            length: samples; None: all that follow, whether it is seen or not.
        """
        first = round(start / SAMPLES)
        last = len(self.seen) if length is None else first + round(length / SAMPLES)
        seen = self.seen[first:last]
        if not len(seen) or (length is not None and seen.mean() < SEEN):
            return None
        return LipPictures(self.pictures[first:last], seen)

    def notes(self, samples: int) -> tuple[str, ...]:
        """What to tell the user if they do not last as long as so many samples of sound."""
        seconds, sound = len(self.seen) / FPS, samples / (SAMPLES * FPS)
        if abs(seconds - sound) <= TOLERANCE:
            return ()
        lasts = f"The pictures last {seconds:.1f} s and the sound {sound:.1f} s: "
        if seconds < sound:
            return (f"{lasts}what follows the pictures was heard by sound alone.",)
        return (f"{lasts}the pictures behind it were left out.",)


def require(sees: bool, name: str) -> None:
    """Check that a recognizer reads lips.

    Raises:
        UserError: It does not.
    """
    if not sees:
        raise UserError(
            f"{name or 'This recognizer'} sees no lips: leave --video out, or name a MoME that "
            "`antiphon train mome-lips` taught."
        )
