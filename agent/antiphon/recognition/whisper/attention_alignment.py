"""Which word of a transcript each frame of the audio belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def monotonic(looks: NDArray[np.float32]) -> NDArray[np.int64]:
    """The best path through attention weights that never steps back and skips no row.

    Args:
        looks: [U, T] non-negative weights, rows in the order they are spoken.

    Returns:
        [T] the row of every column: 0 first, U - 1 last, growing by at most one a column. With
        fewer columns than rows the rows are spread evenly.
    """
    rows, columns = looks.shape
    if columns < rows:
        spread: NDArray[np.int64] = np.linspace(0, rows - 1, columns).round().astype(np.int64)
        return spread
    scores = np.log(looks.T + 1e-6)
    best = np.full(rows, -np.inf, np.float64)
    best[0] = scores[0, 0]
    stepped = np.zeros((columns, rows), bool)
    for t in range(1, columns):
        stepped[t, 1:] = best[:-1] > best[1:]
        best[1:] = np.maximum(best[1:], best[:-1])
        best += scores[t]
    path = np.empty(columns, np.int64)
    row = rows - 1
    for t in range(columns - 1, -1, -1):
        path[t] = row
        row -= int(stepped[t, row])
    return path
