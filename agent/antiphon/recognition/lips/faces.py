"""Where faces are, and 468 points of one: Google's BlazeFace and Face Mesh, computed by LiteRT.

BlazeFace (Bazarevsky et al., arXiv 1907.05047; here that of full range) says in 48 by 48 cells of a
picture whether a face is there, and how its box and eyes lie from there. Face Mesh (Kartynnik et
al., arXiv 1907.06724) puts a mesh on one face. Both look at 192 by 192 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from antiphon import weights
from antiphon.errors import UserError

Floats = NDArray[np.float32]

DETECTOR, MESH = "face_detection_full_range.tflite", "face_landmark.tflite"
LOOKED_AT = 192
"""Pixels along a side that both models take."""
CELLS = 48
"""Along a side of the detector's grid; there is a guess in each of them."""
RIGHT_EYE, LEFT_EYE = 0, 1
"""Among the six points that the detector gives, as the person has them."""
SCORE = 0.5
"""Probability from which something is a face."""
OVERLAP = 0.3
"""Intersection over union from which two guesses are one face."""
AROUND = 1.5
"""Sides of a face that the mesh looks at."""


@dataclass(frozen=True)
class Region:
    """A square of a picture, which may be tilted. Lengths are pixels from the upper left edge."""

    x: float
    """Of its middle."""
    y: float
    """Of its middle."""
    size: float
    """Of a side."""
    angle: float = 0.0
    """Radians by which it is turned, from the x axis towards the y axis."""

    def place(self, points: Floats) -> Floats:
        """Points [N, 2 or 3] of the region, -0.5 to 0.5 from its middle, in the picture."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        x, y = self.size * points[:, 0], self.size * points[:, 1]
        placed = [self.x + cos * x - sin * y, self.y + sin * x + cos * y]
        deep = [self.size * points[:, 2]] if points.shape[1] > 2 else []
        return np.stack([*placed, *deep], 1).astype(np.float32)


@dataclass(frozen=True)
class Face:
    """A face the detector has found."""

    box: Floats
    """[4] left, top, right and bottom, pixels."""
    points: Floats
    """[6, 2] eyes, nose, mouth and ears, pixels."""
    score: float
    """Probability that it is one."""

    @property
    def area(self) -> float:
        """Of its box."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))

    @property
    def region(self) -> Region:
        """Where the mesh is to look."""
        x, y = (self.box[:2] + self.box[2:]) / 2
        side = max(self.box[2] - self.box[0], self.box[3] - self.box[1])
        across = self.points[LEFT_EYE] - self.points[RIGHT_EYE]
        angle = float(np.arctan2(across[1], across[0]))
        return Region(float(x), float(y), AROUND * float(side), angle)


def cropped(picture: NDArray[np.uint8], region: Region, size: int) -> Floats:
    """A region of a picture [H, W, C] as one of [size, size, C], 0 to 255; black around it.

    What is made smaller is averaged first, so that fine patterns leave no others behind.
    """
    reach = 0.75 * region.size + 2  # from the middle to beyond the corner of a tilted square
    top, left = (max(0, int(at - reach)) for at in (region.y, region.x))
    part = picture[top : int(region.y + reach) + 1, left : int(region.x + reach) + 1]
    if not part.size or max(region.x, region.y) + reach < 0:
        return np.zeros((size, size, picture.shape[2]), np.float32)
    step = max(1, int(region.size / size))
    rows, columns = (-(-length // step) * step for length in part.shape[:2])
    tall, wide = rows - part.shape[0], columns - part.shape[1]
    image = torch.from_numpy(part.copy()).permute(2, 0, 1)[None].float()
    image = F.avg_pool2d(F.pad(image, (0, wide, 0, tall)), step)
    line = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    across, down = np.meshgrid(line, line)
    places = region.place(np.stack([across.ravel(), down.ravel()], 1))
    places = (places - [left, top]) / [columns, rows] * 2 - 1
    grid = torch.from_numpy(places.astype(np.float32)).view(1, size, size, 2)
    found = F.grid_sample(image, grid, align_corners=False)
    return np.asarray(found[0].permute(1, 2, 0).numpy(), np.float32)


def anchors() -> Floats:
    """The middles [CELLS * CELLS, 2] of the detector's cells, row by row, 0 to 1."""
    line = (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS
    x, y = np.meshgrid(line, line)
    return np.stack([x.ravel(), y.ravel()], 1)


def decoded(raw: Floats, logits: Floats) -> tuple[Floats, Floats]:
    """The detector's likely guesses.

    Args:
        raw: [cells, 16] middle, size and six points of each, in pixels of its picture; all but the
            size are counted from the middle of the cell.
        logits: [cells].

    Returns:
        [N, 16] left, top, right, bottom and the points, 0 to 1 in its picture; [N] scores.
    """
    scores = 1 / (1 + np.exp(-logits.clip(-80, 80)))
    pairs = raw.reshape(-1, 8, 2) / LOOKED_AT
    sizes = pairs[:, 1]
    likely = (scores > SCORE) & (sizes > 0).all(1)
    pairs, sizes, starts = pairs[likely], sizes[likely], anchors()[likely]
    middles = pairs[:, 0] + starts
    corners = np.concatenate([middles - sizes / 2, middles + sizes / 2], 1)
    points = (pairs[:, 2:] + starts[:, None]).reshape(-1, 12)
    return np.concatenate([corners, points], 1), scores[likely]


def merged(guesses: Floats, scores: Floats) -> list[tuple[Floats, float]]:
    """One mean guess [16] for each face, by score, and the highest score of each; that first.

    Averaging what overlaps (weighted non-maximum suppression) makes a face jump less between
    pictures than taking the best guess would.
    """
    left = np.argsort(-scores, kind="stable")
    found: list[tuple[Floats, float]] = []
    while len(left):
        same = overlaps(guesses[left[0]], guesses[left]) > OVERLAP
        same[0] = True
        group, by = guesses[left[same]], scores[left[same]]
        found.append(((group * by[:, None]).sum(0) / by.sum(), float(by[0])))
        left = left[~same]
    return found


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Intersections over unions [N] of a box [4, …] with others [N, 4, …]."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:4], boxes[:, 2:4])
    both = (high - low).clip(0).prod(1)
    areas = (boxes[:, 2:4] - boxes[:, :2]).prod(1)
    own = (box[2:4] - box[:2]).prod()
    return np.asarray(both / (areas + own - both), np.float32)


class Faces:
    """Finds faces.

    Args:
        folder: holds the models; none takes the catalogue's.

    Raises:
        UserError: LiteRT is not installed, or the models are neither cached nor to be fetched.
    """

    def __init__(self, folder: Path | None = None) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise UserError(
                "Faces are found by the package ai-edge-litert: pip install 'antiphon[lips]'."
            ) from error
        folder = folder or weights.path("faces")
        self._detector = Interpreter(str(folder / DETECTOR), num_threads=1)
        self._mesh = Interpreter(str(folder / MESH), num_threads=1)
        for model in (self._detector, self._mesh):
            model.allocate_tensors()

    def find(self, picture: NDArray[np.uint8]) -> list[Face]:
        """The faces of a picture [H, W, 3], the likeliest first."""
        height, width = picture.shape[:2]
        side = max(height, width)
        whole = cropped(picture, Region(width / 2, height / 2, side), LOOKED_AT)
        raw, logits = _computed(self._detector, whole / 127.5 - 1)
        corner = np.array([(width - side) / 2, (height - side) / 2], np.float32)
        found = []
        for guess, score in merged(*decoded(raw[0], logits[0, :, 0])):
            places = guess.reshape(-1, 2) * side + corner
            found.append(Face(places[:2].ravel(), places[2:], score))
        return found

    def mesh(self, picture: NDArray[np.uint8], region: Region) -> tuple[Floats, float]:
        """Points [468, 3] of the face in a region of a picture [H, W, 3]; how likely it is one.

        They are pixels; the third, depth, is measured as the others are.
        """
        points, flag = _computed(self._mesh, cropped(picture, region, LOOKED_AT) / 255)
        shares = points.reshape(-1, 3) / np.float32(LOOKED_AT) - np.array([0.5, 0.5, 0], np.float32)
        return region.place(shares), float(1 / (1 + np.exp(-flag.item())))


def _computed(model: Any, picture: NDArray[Any]) -> list[Floats]:
    """What a model makes of a picture [H, W, 3], in the order of its outputs."""
    model.set_tensor(model.get_input_details()[0]["index"], picture[None].astype(np.float32))
    model.invoke()
    return [model.get_tensor(each["index"]) for each in model.get_output_details()]
