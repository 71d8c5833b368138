"""Train the end-of-turn heads at the moments where the runtime queries them.

Each training scene runs through VAD and endpointing as in a conversation. Whenever the turn may be
over, the states of Smart Turn and of Whisper's encoder are stored with the label: complete or not.
A scene with a pause ends at its second such moment. First and later moments have equal weight, so
that the heads do not learn to count pauses; both labels have equal weight as well.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon import audio_file, settings
from antiphon.errors import UserError
from antiphon.runtime.frames import FRAME, RATE
from antiphon.runtime.turns.endpointing import SOFT_END_FRAMES, Endpointer
from antiphon.runtime.turns.smart_turn import TurnEndJudge
from antiphon.runtime.turns.vad import VoiceActivity
from antiphon.training.corpora.hearing.augmentation import Augment

if TYPE_CHECKING:
    from antiphon.recognition.whisper.audio_encoder import AudioEncoder

Sound = NDArray[np.float32]

COLLECTIONS = {
    "speechocean762": 0.3,
    "kathleen": 0.2,
    "picovoice_speech_to_intent": 0.17,
    "librispeech_subset": 0.08,
    "matthes_lj_sentences": 0.07,
}
"""Collections and their shares; the rest is questions by synthetic voices."""
CUT_OFF = ("librispeech_subset",)
"""Collections whose training clips may end in mid-sentence."""
VOICES = ("flite:slt", "flite:awb", "espeak:en-gb+f3", "espeak:en-us+m3")
QUERY_INTERVAL = 0.2
"""Seconds of silence after which Smart Turn is queried again."""
BEFORE, AFTER = RATE * 3 // 5, RATE * 6 // 5
"""Samples of background before and after a turn (600 and 1200 ms)."""


@dataclass(frozen=True)
class Moment:
    """A time at which the turn may be over."""

    states: NDArray[np.float32]
    """States of Smart Turn or of Whisper's encoder for the turn so far."""
    complete: bool
    """Whether the turn was over."""
    later: bool = False
    """Whether this is not the first moment of its turn."""


def clips(
    data: Path, split: str, count: int, seed: int, piper: Path | None
) -> Iterator[tuple[Sound, bool]]:
    """Yield recorded and synthetic turns at 16 kHz, and whether each ends complete.

    Raises:
        UserError: a collection is missing.
    """
    rng = np.random.default_rng(seed)
    for part, share in COLLECTIONS.items():
        manifest = data / "speech" / part / "manifest.jsonl"
        if not manifest.is_file():
            raise UserError(f"There is no {manifest}: give the data folder of docs/data.md.")
        rows = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
        rows = [row for row in rows if row["split"] == split and row["seconds"] > 1.2]
        for i in rng.permutation(len(rows))[: round(share * count)]:
            yield audio_file.read(manifest.parent / rows[i]["audio"]), part not in CUT_OFF
    yield from ((pcm, True) for pcm in _questions(data, count, rng, piper))


def _questions(
    data: Path, count: int, rng: np.random.Generator, piper: Path | None
) -> Iterator[Sound]:
    from antiphon.training.corpora.hearing.synthetic_voices import voice

    names = [*VOICES, *(["piper:"] * 3 if piper else [])]
    with gzip.open(data / "text" / "qa" / "webquestions_train.jsonl.gz", "rt") as file:
        texts = [json.loads(line)["question"] for line in file]
    for i in rng.permutation(len(texts))[: round(count * (1 - sum(COLLECTIONS.values())))]:
        name = names[int(rng.integers(len(names)))]
        yield voice(name, piper).speak(texts[i].strip().rstrip("?").capitalize() + "?")


def moments(
    clip: Sound,
    ended: bool,
    augment: Augment,
    judge: TurnEndJudge,
    encoder: AudioEncoder,
    seed: int,
) -> tuple[list[Moment], list[Moment]]:
    """Collect the moments at which the endpointer queries the heads in a scene with `clip`.

    Args:
        clip: a turn.
        ended: whether the turn is complete at the end of the clip.
        augment: its rooms and noises are used.
        judge: Smart Turn.
        encoder: Whisper's encoder.
        seed: of room, noise and pause.

    Returns:
        Moments for Smart Turn, after 100 and 200 ms of silence; moments for Whisper's encoder.
    """
    rng = np.random.default_rng(seed)
    pcm, end = scene(clip, augment, rng)
    voice, ends = VoiceActivity(), Endpointer(patience=60)
    sound, heard = list[Moment](), list[Moment]()
    over = False
    for i, frame in enumerate(pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME)):
        change = ends.step(voice.step(frame), frame)
        if change == "soft":
            over = (i + 1 - SOFT_END_FRAMES) * FRAME > end - RATE // 5
        if (over and not ended) or not (change == "soft" or ends.silence == QUERY_INTERVAL):
            continue
        turn = ends.turn()
        if change == "soft":
            heard.append(Moment(states_of(turn, encoder), over, bool(heard)))
        if heard:
            sound.append(Moment(judge(turn)[0], over, len(heard) > 1))
    return sound, heard


def states_of(turn: Sound, encoder: AudioEncoder) -> NDArray[np.float32]:
    """Pooled states of Whisper's encoder [3 * width] for a turn [N]."""
    from antiphon.recognition.whisper.turn_end_head import pooled_states

    return np.asarray(pooled_states(encoder.encode(turn)[-1]).numpy(), np.float32)


def scene(clip: Sound, augment: Augment, rng: np.random.Generator) -> tuple[Sound, int]:
    """The clip in a random room, noise and level, often with a pause; and its end sample."""
    level = clip[: len(clip) // FRAME * FRAME].reshape(-1, FRAME).std(axis=1)
    loud = np.flatnonzero(level > level.max() * 0.03)
    pcm = clip[loud[0] * FRAME : (loud[-1] + 1) * FRAME] * np.float32(0.3 / np.abs(clip).max())
    if rng.random() < 0.4:
        pcm = paused(pcm, rng)
    end = BEFORE + len(pcm)
    pcm = np.pad(pcm, (BEFORE, AFTER))
    if augment.rooms and rng.random() < 0.5:
        pcm = augment.room(pcm, augment.rooms[rng.integers(len(augment.rooms))])
    if augment.noises and rng.random() < 0.6:
        noise = augment.noises[rng.integers(len(augment.noises))]
        pcm = augment.mix(pcm, noise, float(rng.uniform(5, 30)), rng)
    pcm = pcm * 10 ** rng.uniform(-1, 0.3) + rng.normal(size=len(pcm)) * 10 ** rng.uniform(-4.5, -3)
    return np.clip(pcm, -1, 1).astype(np.float32), end


def paused(pcm: Sound, rng: np.random.Generator) -> Sound:
    """Insert a pause of 0.3 to 1 s at a quiet place inside, not always the quietest."""
    level = np.convolve(
        pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME).std(axis=1), [1 / 3] * 3
    )
    low = len(level) // 6 + int(rng.integers(max(1, len(level) // 3)))
    high = min(low + max(2, len(level) // 3), len(level) - 8)
    if high <= low:
        return pcm
    at = (low + int(level[low:high].argmin())) * FRAME
    size = int(rng.uniform(0.01, 0.06) * RATE)
    fade = np.linspace(1, 0, size, dtype=np.float32)
    before, after = pcm[:at].copy(), pcm[at:].copy()
    before[-size:] *= fade[-len(before) :]
    after[:size] *= fade[::-1][: len(after)]
    return np.concatenate([before, np.zeros(int(rng.uniform(0.3, 1) * RATE), np.float32), after])


MAX_WEIGHT = 6.0
"""Maximum weight of a rare kind of moment."""


def fit(moments: Sequence[Moment], decay: float = 200.0) -> dict[str, NDArray[np.float32]]:
    """Logistic regression by Newton's method, balanced over labels and first or later moments.

    Args:
        moments: of the training speakers.
        decay: L2 penalty on the weights, for states scaled to unit variance.

    Returns:
        `weight` [D] and `bias`, as read by `SmartTurn`.
    """
    x = np.array([m.states for m in moments], np.float64)
    y = np.array([m.complete for m in moments], np.float64)
    later = np.array([m.later for m in moments])
    share = np.ones(len(y))
    for group in (y * 2 + later == kind for kind in range(4)):
        share[group] = min(len(y) / 4 / max(1, group.sum()), MAX_WEIGHT)
    mean, scale = x.mean(0), x.std(0) + 1e-3
    x = np.c_[(x - mean) / scale, np.ones(len(x))]
    theta, ridge = np.zeros(x.shape[1]), np.r_[np.full(x.shape[1] - 1, decay), 1e-3]
    for _ in tqdm(range(15), desc="fit", leave=False):
        p = 1 / (1 + np.exp(-np.clip(x @ theta, -30, 30)))
        slope = x.T @ (share * (p - y)) + ridge * theta
        theta -= np.linalg.solve((x * (share * p * (1 - p))[:, None]).T @ x + np.diag(ridge), slope)
    weight = theta[:-1] / scale
    bias = np.array(theta[-1] - weight @ mean)
    return {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}


def train(
    data: Path, out: Path, *, count: int = 600, seed: int = 0, piper: Path | None = None
) -> dict[str, Any]:
    """Train the heads into `out`; return the number of turns and of moments with each label.

    Args:
        data: the data folder (docs/data.md).
        out: folder for `head.safetensors` (Smart Turn) and `hearing.safetensors` (Whisper).
        count: number of turns.
        seed: of all random choices.
        piper: folder of a Piper voice that also asks questions; None for no Piper voice.

    Raises:
        UserError: a collection is missing.
    """
    from safetensors.numpy import save_file

    from antiphon import weights
    from antiphon.recognition.whisper.audio_encoder import AudioEncoder

    augment, judge = Augment(data), TurnEndJudge()
    recognizer = weights.path(settings.load(settings.Models).recognizer)
    encoder = AudioEncoder.load(recognizer, in_silence=True)
    sound, heard = list[Moment](), list[Moment]()
    turns = tqdm(clips(data, "train", count, seed, piper), total=count, unit="turn", desc="hear")
    for i, (clip, ended) in enumerate(turns):
        asked, understood = moments(clip, ended, augment, judge, encoder, seed + i)
        sound += asked
        heard += understood
    out.mkdir(parents=True, exist_ok=True)
    for name, found, decay in (("head", sound, 400.0), ("hearing", heard, 200.0)):
        head = {key: value.astype(np.float16) for key, value in fit(found, decay).items()}
        save_file(head, out / f"{name}.safetensors")
    complete = sum(m.complete for m in heard)
    return {"turns": i + 1, "complete": complete, "incomplete": len(heard) - complete}
