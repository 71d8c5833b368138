"""So much a second and no more: one robot cannot take the time of the others."""

from __future__ import annotations


class RateLimit:
    """Fills by `rate` a second up to `most`.

    Args:
        rate: what may be spent a second for long.
        most: what may be spent at once.
    """

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most = rate, most
        self._left = most
        self._seen: float | None = None

    def spend(self, amount: float, now: float) -> bool:
        """Whether so much is there; if it is, it is gone.

        Args:
            amount: of whatever is counted.
            now: seconds on any clock.
        """
        since = 0.0 if self._seen is None else now - self._seen
        self._left, self._seen = min(self.most, self._left + since * self.rate), now
        if amount > self._left:
            return False
        self._left -= amount
        return True
