"""Finds the mouth of whoever speaks in a clip, picture by picture, as reading lips wants it.

The face is looked for once a second, and again where it is lost; in between it is where it was in
the picture before. The middle of the mouth lies between its corners. How large and how tilted it
is seen is taken from the eyes: a mouth that is drawn together has to look narrower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.audio_file import STANDARD
from antiphon.recognition.lips.faces import AROUND, SCORE, Face, Faces, Floats, Region, cropped
from antiphon.recognition.lips.lip_pictures import FPS, SEEN, SIZE, LipPictures
from antiphon.recognition.lips.video import Picture, VideoError, pictures

EYES, CORNERS = (33, 263), (61, 291)
"""Points of the mesh: outer corners of the eyes, corners of the mouth; the person's right first."""
SIDE = 1.06
"""Of what is cut out, in distances between the outer corners of the eyes. At rest a mouth is about
0.55 of them wide, and so 0.52 of the picture, as the mouths are that the encoder was trained on."""
GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue (ITU-R BT.601)."""
CHECK = FPS
"""Pictures after which faces are looked for again."""
STILL = FPS
"""Times that a picture is taken for what is seen; if it stands for longer, nobody films."""
LARGER = 2.0
"""Times the area of the next face from which a face is the one that speaks."""
NEW_PLACE, NEW_SIZE = 0.6, 0.2
"""Weight of a new picture in the place of the mouth, and in its size and tilt."""
JUMP = 0.5
"""Sides of what is cut out by which a mouth moves at most between pictures; further, it is
another one."""


class Unseen(Enum):
    """Why no lips are read in a clip."""

    PIPE = "a pipe can be read only once"
    NO_PICTURES = "it has no pictures that can be read"
    NO_FACE = "there is no face in it"
    TWO_FACES = "there are several faces of about one size in it"
    LOST = "the face is lost in more than half of it"


@dataclass
class _Tracker:
    """Where the mouth is, after some pictures."""

    faces: Faces
    count: int = 0
    """Pictures."""
    face: Region | None = None
    """Where the mesh looks in the next picture; None: the face is lost."""
    mouth: Region | None = None
    """What is cut out, smoothed."""
    checks: int = 0
    """Pictures in which faces were looked for by the second, and there were some."""
    rivals: int = 0
    """Those in which none was the largest by far."""

    def look(self, picture: Picture) -> NDArray[np.uint8] | None:
        """The mouth [SIZE, SIZE] in the next picture; None: it is not seen."""
        due = self.count % CHECK == 0
        self.count += 1
        search = due or self.face is None
        if search:
            self._search(picture, due)
        points = self._mesh(picture)
        if points is None and not search:  # it may be elsewhere by now
            self._search(picture, due)
            points = self._mesh(picture)
        if points is None:
            self.face = self.mouth = None
            return None
        self.face = region_of(points)
        self.mouth = smoothed(self.mouth, mouth_of(points))
        grey = cropped(picture, self.mouth, SIZE) @ GREY
        return grey.round().clip(0, 255).astype(np.uint8)

    def _mesh(self, picture: Picture) -> Floats | None:
        if self.face is None:
            return None
        points, score = self.faces.mesh(picture, self.face)
        return points if score > SCORE else None

    def _search(self, picture: Picture, due: bool) -> None:
        found = sorted(self.faces.find(picture), key=lambda face: -face.area)
        alone = speaking(found)
        if due and found:
            self.checks += 1
            self.rivals += alone is None
        if alone is not None:
            self.face = alone.region
        elif not due or self.face is None:
            self.face = found[0].region if found else None


def find(
    path: Path,
    faces: Faces | None = None,
    progress: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
) -> LipPictures | Unseen:
    """The mouth of whoever speaks in a clip, or why it is not to be had.

    Args:
        path: of the clip.
        faces: finds them; None takes the catalogue's.
        progress: is handed the pictures, to show how many were seen.

    Raises:
        UserError: What finds faces is not installed or cannot be fetched.
    """
    if str(path) == STANDARD or not path.is_file():
        return Unseen.PIPE
    tracker = _Tracker(faces or Faces())
    found: list[NDArray[np.uint8] | None] = []
    last: tuple[Picture, NDArray[np.uint8] | None] | None = None
    stands = 0
    try:
        for picture in progress(pictures(path)):
            if last is None or last[0] is not picture:
                last, stands = (picture, tracker.look(picture)), 0
            stands += 1
            found.append(last[1] if stands <= STILL else None)
    except VideoError:
        return Unseen.NO_PICTURES
    if 2 * tracker.rivals > tracker.checks:
        return Unseen.TWO_FACES
    seen = np.array([each is not None for each in found])
    if not seen.any():
        return Unseen.NO_FACE
    if seen.mean() < SEEN:
        return Unseen.LOST
    first = int(seen.argmax())
    latest = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), first))
    return LipPictures(np.stack([found[at] for at in latest]), seen)


def speaking(found: list[Face]) -> Face | None:
    """The face that is far larger than all others, largest first; None: there is none."""
    if found and (len(found) == 1 or found[0].area >= LARGER * found[1].area):
        return found[0]
    return None


def region_of(points: Floats) -> Region:
    """Where the mesh is to look for a face [468, 3] in the next picture."""
    angle = tilt(points)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[:, 0], points[:, 1]
    across, down = cos * x + sin * y, cos * y - sin * x
    u, v = (across.max() + across.min()) / 2, (down.max() + down.min()) / 2
    side = AROUND * max(np.ptp(across), np.ptp(down))
    return Region(float(cos * u - sin * v), float(sin * u + cos * v), float(side), angle)


def mouth_of(points: Floats) -> Region:
    """What is cut out of the picture of a face [468, 3].

    The eyes' distance is that in space, so that a face that looks aside is not seen larger.
    """
    x, y = points[list(CORNERS), :2].mean(0)
    apart = float(np.linalg.norm(points[EYES[1]] - points[EYES[0]]))
    return Region(float(x), float(y), SIDE * apart, tilt(points))


def tilt(points: Floats) -> float:
    """Radians by which a face [468, 3] is tilted."""
    across = points[EYES[1]] - points[EYES[0]]
    return float(np.arctan2(across[1], across[0]))


def smoothed(old: Region | None, new: Region) -> Region:
    """Where a mouth is taken to be, that was at `old` and is measured at `new`."""
    if old is None or np.hypot(new.x - old.x, new.y - old.y) > JUMP * old.size:
        return new
    turned = (new.angle - old.angle + np.pi) % (2 * np.pi) - np.pi
    return replace(
        old,
        x=old.x + NEW_PLACE * (new.x - old.x),
        y=old.y + NEW_PLACE * (new.y - old.y),
        size=old.size + NEW_SIZE * (new.size - old.size),
        angle=float(old.angle + NEW_SIZE * turned),
    )
