"""Voice activity, endpointing, echo and barge-in, measured on scenes whose truth is known.

The answers themselves play no part, so this is quick; whole conversations are measured by
`benchmarks/turns.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np
from tqdm import tqdm

from antiphon.evaluation import turn_scenes as scenes
from antiphon.evaluation.turn_scenes import Material, Scene, Sound
from antiphon.runtime.echo.canceller import EchoCanceller
from antiphon.runtime.frames import FRAME, FRAME_MS, RATE
from antiphon.runtime.turns.barge_in import BargeIn
from antiphon.runtime.turns.endpointing import PATIENCE, Endpointer, Judge
from antiphon.runtime.turns.vad import PRE_ROLL, VoiceActivity

Judges = Mapping[Judge, Callable[[Sound], float]]
"""Log odds that a turn [N] is complete."""

AGENT = (
    "The robot can bring you a glass of water, open the window, or play some music. It listens "
    "while it speaks, so you may interrupt it at any time.",
    "Mount Everest is the highest mountain in the world. It was first climbed in nineteen fifty "
    "three by Edmund Hillary and Tenzing Norgay.",
    "To make a good cup of tea, boil fresh water, warm the pot, add one spoon of leaves for each "
    "person, and wait for four minutes.",
)
"""What the agent says while it is interrupted."""
BACKCHANNELS = ("Uh-huh.", "Mm-hmm.", "Yeah.", "Okay.", "I see.", "Oh really?")
"""Backchannels: what a listener says without interrupting."""
BEFORE, AFTER = RATE, 3 * RATE
"""Samples of room sound around a turn."""
SNRS = (None, 20.0, 10.0)
"""Decibels of speech above noise; none is a quiet room."""
ECHO_DECAY = 0.6
"""What is left of the echo a frame after the agent fell silent."""
JUDGING: dict[Judge, int] = {"sound": 60 // FRAME_MS, "hearing": 200 // FRAME_MS}
"""Frames the judges take."""
JUDGE_INTERVAL = 0.2
"""Seconds of silence after which the sound is judged again."""


def evaluate(
    material: Material,
    agent: Sequence[Sound],
    backchannels: Sequence[Sound],
    judges: Judges,
    seed: int,
    *,
    aec3: bool | None = None,
    patience: float = PATIENCE,
) -> dict[str, Any]:
    """Everything, in one report.

    Args:
        material: recorded speech, noises and rooms.
        agent: what the agent says, at 16 kHz.
        backchannels: "uh-huh" and the like, beside the recorded words.
        judges: hear whether a turn is complete.
        seed: of all scenes.
        aec3: whether to use AEC3; none: if it is installed.
        patience: of the endpointer.
    """
    rng = np.random.default_rng(seed)
    return {
        "turns": turns(material, judges, rng, patience),
        "interruptions": interruptions(material, agent, backchannels, rng, aec3),
        "self_stops": self_stops(agent, rng, aec3),
        "cost": cost(material, agent, rng, aec3),
    }


def turns(
    material: Material, judges: Judges, rng: np.random.Generator, patience: float
) -> dict[str, Any]:
    """Ends of turns and pauses in them, by signal-to-noise ratio."""
    report = {}
    for snr in SNRS:
        name = "quiet" if snr is None else f"{snr:.0f}_db"
        found = [
            _listen(_turn(clip, material, rng, snr), judges, patience)
            for clip in tqdm(material.speech, desc=f"turns, {name}", unit="turn")
        ]
        delays = [f["delay"] for f in found if f["delay"] is not None]
        onsets = [f["onset"] for f in found if f["onset"] is not None]
        pauses = sum(f["pauses"] for f in found)
        report[name] = {
            "turns": len(found),
            "early_ends": sum(f["early"] for f in found) / max(1, pauses),
            "end_delay_ms_median": _quantile(delays, 0.5),
            "end_delay_ms_p95": _quantile(delays, 0.95),
            "missed_turns": sum(f["onset"] is None for f in found) / len(found),
            "clipped_onsets": float(np.mean([o > PRE_ROLL * FRAME_MS for o in onsets])),
            "onset_ms_median": _quantile(onsets, 0.5),
            "onset_ms_p95": _quantile(onsets, 0.95),
            "false_starts": sum(f["false_starts"] for f in found) / len(found),
        }
    return report


def _turn(clip: Sound, material: Material, rng: np.random.Generator, snr: float | None) -> Scene:
    speech, pauses = scenes.interrupted(clip, rng)
    pcm = np.pad(speech, (BEFORE, AFTER))
    pcm = scenes.somewhere(pcm, material, rng, snr, room=bool(rng.random() < 0.5))
    moved = [(a + BEFORE, b + BEFORE) for a, b in pauses]
    return Scene(pcm, BEFORE, BEFORE + len(speech), moved)


def _listen(scene: Scene, judges: Judges, patience: float) -> dict[str, Any]:
    voice, ends = VoiceActivity(), Endpointer(patience)
    asked: dict[int, tuple[Judge, Sound]] = {}
    starts, finished = list[int](), list[int]()
    for i, frame in enumerate(scenes.frames(scene.pcm)):
        if i in asked:
            judge, turn = asked.pop(i)
            ends.judge(judge, judges[judge](turn))
        change = ends.step(voice.step(frame), frame)
        now = (i + 1) * FRAME
        if change == "soft":
            asked = {i + JUDGING[judge]: (judge, ends.turn()) for judge in judges}
        elif change:
            asked = {}
        elif ends.in_turn and ends.silence == JUDGE_INTERVAL:
            asked[i + JUDGING["sound"]] = "sound", ends.turn()
        if change == "start":
            starts.append(now)
        elif change == "end":
            finished.append(now)
    early = [t for t in finished if t < scene.end]
    last = [t for t in finished if t >= scene.end]
    first = next((t for t in starts if t > scene.start), None)
    return {
        "pauses": len(scene.pauses),
        "early": sum(any(a < t <= b + RATE // 5 for t in early) for a, b in scene.pauses),
        "delay": (last[0] - scene.end) * 1000 / RATE if last else None,
        "onset": (first - scene.start) * 1000 / RATE if first else None,
        "false_starts": sum(t <= scene.start for t in starts),
    }


def interruptions(
    material: Material,
    agent: Sequence[Sound],
    backchannels: Sequence[Sound],
    rng: np.random.Generator,
    aec3: bool | None,
) -> dict[str, Any]:
    """What stops the agent while it speaks, and what must not. Its echo is always there."""
    spoken = [clip[: 3 * RATE] for clip in material.speech if len(clip) > 2 * RATE]
    tv = [stretch * 0.1 for stretch in spoken]  # 20 dB below a near voice
    kinds: dict[str, list[Sound]] = {
        "speech": spoken,
        "backchannel": [*material.words, *backchannels],
        "cough": [scenes.cough(rng) for _ in range(20)],
        "typing": [scenes.typing(3, rng) for _ in range(20)],
        "television": [np.concatenate([a, b]) for a, b in pairwise(tv)],
        "noise": [
            scenes.stretch(noise, 3 * RATE, rng, 0.03, 0) for noise in material.noises for _ in "ab"
        ],
    }
    report: dict[str, Any] = {}
    for kind, sounds in kinds.items():
        found = [
            _interrupt(sound, agent[i % len(agent)], spoken, rng, aec3)
            for i, sound in enumerate(tqdm(sounds, desc=kind, unit="scene"))
        ]
        report[kind] = {
            "scenes": len(found),
            "paused": float(np.mean([f["pause"] is not None for f in found])),
            "stopped": float(np.mean([f["stop"] is not None for f in found])),
        }
        if kind == "speech":
            delays = [f["pause"] for f in found if f["pause"] is not None]
            report["stop_ms_median"] = _quantile(delays, 0.5)
            report["stop_ms_p95"] = _quantile(delays, 0.95)
            report["missed"] = 1 - report[kind]["stopped"]
    wrong = [kind for kind in kinds if kind != "speech"]
    total = sum(report[kind]["scenes"] for kind in wrong)
    report["false_stops"] = sum(report[k]["stopped"] * report[k]["scenes"] for k in wrong) / total
    return report


def _interrupt(
    sound: Sound,
    agent: Sound,
    spoken: Sequence[Sound],
    rng: np.random.Generator,
    aec3: bool | None,
) -> dict[str, float | None]:
    """The listener asks something, the agent answers, then comes `sound`."""
    asked = spoken[int(rng.integers(len(spoken)))]
    reply = stretch_to(agent, 8 * RATE)
    begins = len(asked) + RATE
    at = begins + int(rng.uniform(2, 3) * RATE)
    reference = np.zeros(begins + len(reply), np.float32)
    reference[begins:] = reply
    echo = scenes.echo(reference, scenes.ROOMS[int(rng.integers(2))], rng)
    near = (rng.normal(size=len(echo)) * 10 ** (-70 / 20)).astype(np.float32)
    near[RATE // 2 :][: len(asked)] += asked
    near[at:][: len(sound)] += sound[: len(near) - at]
    level = scenes.frame_levels(sound)
    onset = at + int(np.flatnonzero(level > 0.1 * level.max())[0]) * FRAME
    times: dict[str, float | None] = {"pause": None, "stop": None}
    for now, change in _changes(near, echo, reference, begins, aec3):
        if change != "resume" and now > at and times[change] is None:
            times[change] = (now - onset) * 1000 / RATE
    return times


def _changes(
    near: Sound, echo: Sound, reference: Sound, begins: int, aec3: bool | None
) -> Iterable[tuple[int, str]]:
    """(sample, change) of a barge-in detector; the agent speaks from `begins` on.

    A paused agent is silent, and its echo dies away; it goes on where it would have been by then.
    """
    canceller, voice, barge_in = EchoCanceller(aec3), VoiceActivity(), BargeIn()
    silent, rings = False, 1.0
    parts = (scenes.frames(part) for part in (near, echo, reference))
    for i, (n, e, r) in enumerate(zip(*parts, strict=True)):
        rings = rings * ECHO_DECAY if silent else 1.0
        mic = np.clip(n + e * np.float32(rings), -1, 1)
        heard = canceller.step(mic, np.zeros_like(r) if silent else r)
        change = barge_in.step(voice.step(heard.clean), heard, i * FRAME >= begins)
        if change:
            silent = change != "resume"
            yield (i + 1) * FRAME, change
        if change == "stop":
            return


def stretch_to(pcm: Sound, size: int) -> Sound:
    """`pcm` [size], repeated or cut."""
    return np.take(pcm, np.arange(size), mode="wrap")


def self_stops(
    agent: Sequence[Sound], rng: np.random.Generator, aec3: bool | None, minutes: float = 3
) -> dict[str, Any]:
    """Pauses and stops by the agent's own echo, an hour, in each of the echo rooms."""
    gap = np.zeros(RATE // 2, np.float32)
    talk = np.concatenate([part for clip in agent for part in (clip, gap)])
    reference = stretch_to(talk, int(minutes * 60) * RATE)
    report = {}
    for room in tqdm(scenes.ROOMS, desc="echo rooms", unit="room"):
        pauses = stops = at = 0
        while len(reference) - at > RATE:  # an agent that stopped itself starts again
            echo = scenes.echo(reference[at:], room, rng)
            near = (rng.normal(size=len(echo)) * 10 ** (-60 / 20)).astype(np.float32)
            changes = list(_changes(near, echo, reference[at:], 0, aec3))
            pauses += sum(change == "pause" for _, change in changes)
            stopped = [now for now, change in changes if change == "stop"]
            stops += len(stopped)
            at = at + stopped[0] if stopped else len(reference)
        report[room] = {
            "pauses_per_hour": pauses * 60 / minutes,
            "self_stops_per_hour": stops * 60 / minutes,
        }
    return report


def cost(
    material: Material, agent: Sequence[Sound], rng: np.random.Generator, aec3: bool | None
) -> dict[str, float]:
    """Share of one core, in percent, that listening takes."""
    quiet = (rng.normal(size=60 * RATE) * 10 ** (-65 / 20)).astype(np.float32)
    speech = np.concatenate(material.speech)[: 60 * RATE]
    spoken = stretch_to(agent[0], len(speech))
    silent = np.zeros_like(quiet)
    return {
        "idle_core_percent": _core(quiet, silent, aec3),
        "noise_core_percent": _core(quiet * 100, silent, aec3),
        "speech_core_percent": _core(speech, np.zeros_like(speech), aec3),
        "duplex_core_percent": _core(speech, spoken, aec3),
    }


def _core(mic: Sound, reference: Sound, aec3: bool | None) -> float:
    echo, voice, ends, barge_in = EchoCanceller(aec3), VoiceActivity(), Endpointer(), BargeIn()
    began = process_time()
    for m, r in zip(scenes.frames(mic), scenes.frames(reference), strict=True):
        heard = echo.step(m, r)
        activity = voice.step(heard.clean)
        ends.step(activity, heard.clean)
        barge_in.step(activity, heard, speaking=False)
    return (process_time() - began) / (len(mic) / RATE) * 100


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share)) if values else float("nan")
