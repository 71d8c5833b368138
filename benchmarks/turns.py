"""Whole conversations, measured: how fast it answers, and who interrupts whom.

A recorded user asks, pauses, interrupts, hums and coughs; the agent listens and speaks in real
time, with its models in their own thread. What went in and what came out is recorded on one clock,
and every measure is read off these two recordings. A plain loop of the same parts
(`plain_loop.py`) goes through the same scenes.

    python benchmarks/turns.py [--data DIR] [--limit N] [--seed N] [--keep DIR] [--json]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).parent))

from live_scenes import Echo, Recorded, Sound, User, play
from plain_loop import PlainLoop
from report import script, show

from antiphon import audio, weights
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.errors import UserError
from antiphon.evaluation import turn_scenes as scenes
from antiphon.messages import Speech, Word
from antiphon.runtime.conversation import Conversation
from antiphon.runtime.echo import EchoCanceller
from antiphon.runtime.frames import RATE, Frame
from antiphon.runtime.worker import InlineWorker, ThreadWorker

OUT = 22_050
SHORTER = 0.4
"""Seconds that a reply lacks, compared with the same one undisturbed, if it was stopped."""
MATCHED = RATE // 5
"""Samples of a reply's end that find their place in the undisturbed one."""
PASSAGE = (
    "The sea covers most of the earth. It is deep and cold, and full of life that nobody has "
    "seen. Ships cross it every day, and the wind moves its waves from one coast to the other. "
    "In the evening the light goes down behind the hills, and the birds come back to the shore. "
)
"""What the agent says in the echo rooms."""


class Noted:
    """A mind whose words are noted.

    Args:
        mind: does the work.
    """

    def __init__(self, mind: Any) -> None:
        self._mind = mind
        self.words: list[Word] = []
        """Of the reply begun last."""

    def listen(self, history: Any) -> Any:
        """Begin to hear."""
        return self._mind.listen(history)

    def respond(self, hearing: Any, history: Any, **rest: Any) -> Iterator[Speech]:
        """Answer."""
        return self._note(self._mind.respond(hearing, history, **rest))

    def say(self, text: str, **rest: Any) -> Iterator[Speech]:
        """Speak."""
        return self._note(self._mind.say(text, **rest))

    def _note(self, pieces: Iterator[Speech]) -> Iterator[Speech]:
        self.words = []
        for piece in pieces:
            self.words += piece.words
            yield piece


@dataclass
class System:
    """One of the two that are compared."""

    name: str
    mind: Noted
    begin: Callable[[Any, Any, EchoCanceller | None], Any]
    """Mind, worker and canceller to a conversation."""
    found: dict[str, list[float]] = field(default_factory=dict)
    """Measures by name."""

    def run(
        self, user: User, *, paced: bool, echo: bool = False, say: str = ""
    ) -> tuple[Recorded, Any]:
        """Let a scene happen; returns it, and the conversation's history."""
        work = ThreadWorker() if paced else InlineWorker()
        conversation = self.begin(self.mind, work, EchoCanceller() if echo else None)
        try:
            if say:
                conversation.say(say)
            recorded = play(conversation, user, OUT, 1.0 if paced else None)
            return recorded, list(conversation.history)
        finally:
            conversation.close()

    def note(self, measure: str, value: float | None) -> None:
        """Take down a measure; None: there was nothing to measure."""
        if value is not None:
            self.found.setdefault(measure, []).append(value)


def asks(question: Sound) -> Callable[[User], Iterator[Frame]]:
    """Asks and listens to the answer."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.silence(0.8)
        yield from user.say(question, "question")
        yield from user.until_reply()
        yield from user.until_quiet()

    return act


def disturbs(
    question: Sound, sound: Sound, after: float, name: str
) -> Callable[[User], Iterator[Frame]]:
    """Asks, and makes a sound `after` seconds into the answer."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.silence(0.8)
        yield from user.say(question, "question")
        yield from user.until_reply()
        yield from user.silence(after)
        yield from user.say(sound, name)
        yield from user.until_quiet(2.5)

    return act


def listens(seconds: float) -> Callable[[User], Iterator[Frame]]:
    """Says nothing."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.until_reply()
        yield from user.until_quiet(1.5, seconds)

    return act


def answer(system: System, question: Sound, seed: int) -> tuple[Recorded, list[Word]]:
    """A plain question; its recording is what the disturbed ones are compared with."""
    recorded, _ = system.run(User(asks(question), seed), paced=True)
    end = recorded.marks["question ends"]
    first = recorded.first_sound(end)
    system.note("v2v", (first - end) * 1000 / RATE if first is not None else None)
    return recorded, system.mind.words


def hesitation(system: System, question: Sound, seed: int) -> Recorded:
    """The same question with a pause in it."""
    slow, pauses = scenes.interrupted(question, np.random.default_rng(seed))
    recorded, _ = system.run(User(asks(slow), seed), paced=True)
    begin, end = recorded.marks["question begins"], recorded.marks["question ends"]
    first = recorded.first_sound(begin + pauses[0][0])
    early = first is not None and first < end
    system.note("early", float(early))
    if first is not None and not early:
        system.note("v2v", (first - end) * 1000 / RATE)
    return recorded


def interruption(
    system: System, question: Sound, other: Sound, control: Recorded, words: list[Word], seed: int
) -> Recorded:
    """The user interrupts: how soon is it silent, and does it know what was heard?"""
    user = User(disturbs(question, other, 0.6, "interruption"), seed)
    recorded, history = system.run(user, paced=True)
    if "interruption begins" not in recorded.marks:
        return recorded
    onset = recorded.marks["interruption begins"]
    silent = recorded.silent_from(onset)
    if recorded.spoken(onset - RATE // 10, onset) and silent is not None:
        system.note("stop", (silent - onset) * 1000 / RATE)
        heard = place(recorded, control, silent)
        said = [turn.text for turn in history if turn.role == "assistant"]
        if heard is not None and said:
            truth = sum(word.start + word.end <= 2 * heard * OUT for word in words)
            system.note("heard", abs(truth - len(said[0].replace("—", " ").split())))
    return recorded


def place(recorded: Recorded, control: Recorded, silent: int) -> float | None:
    """Seconds into the undisturbed reply at which this one fell silent; None if it is another."""
    first = control.first_sound(control.marks["question ends"])
    end = recorded.speaker[:silent][-MATCHED:]
    if first is None or not end.any():
        return None
    reply = control.speaker[first:]
    size = len(reply) + len(end)
    spectrum = np.fft.rfft(reply, size) * np.conj(np.fft.rfft(end, size))
    match = np.fft.irfft(spectrum, size)[: len(reply)]
    at = int(match.argmax())
    return (at + len(end)) / RATE if match[at] > 0.7 * float(end @ end) else None


def undisturbed(system: System, question: Sound, seed: int) -> Recorded:
    """A plain question as fast as possible: what a disturbed one is compared with."""
    return system.run(User(asks(question), seed), paced=False)[0]


def disturbance(
    system: System, question: Sound, sound: Sound, kind: str, control: Recorded, seed: int
) -> Recorded:
    """A sound that is no interruption; was the reply stopped?"""
    user = User(disturbs(question, sound, 0.4, kind), seed)
    recorded, _ = system.run(user, paced=False)
    end = control.marks["question ends"]
    system.note("false", float(control.spoken(end) - recorded.spoken(end) > SHORTER))
    return recorded


def echo(system: System, room: str, seed: int) -> Recorded:
    """The agent speaks in a room that echoes; does it stop itself?"""
    whole, _ = system.run(User(listens(20), seed), paced=False, say=PASSAGE)
    user = User(listens(20), seed, Echo(room, seed))
    recorded, _ = system.run(user, paced=False, echo=True, say=PASSAGE)
    system.note("echo seconds", recorded.spoken())
    system.note("self", float(whole.spoken() - recorded.spoken() > SHORTER))
    return recorded


def idle(system: System, seconds: float = 60.0) -> float:
    """Percent of a core while nothing is said."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.silence(seconds)

    began = process_time()
    system.run(User(act, 0), paced=False)
    return (process_time() - began) / seconds * 100


def summary(system: System) -> dict[str, Any]:
    """The measures of one system."""
    found = system.found

    def quantile(name: str, share: float) -> float | None:
        values = found.get(name)
        return round(float(np.quantile(values, share)), 1) if values else None

    def mean(name: str) -> float | None:
        values = found.get(name)
        return round(float(np.mean(values)), 4) if values else None

    hours = sum(found.get("echo seconds", [])) / 3600
    return {
        "v2v_ms_median": quantile("v2v", 0.5),
        "v2v_ms_p95": quantile("v2v", 0.95),
        "early_ends": mean("early"),
        "stop_ms_p95": quantile("stop", 0.95),
        "false_stops": mean("false"),
        "self_stops_per_hour": round(sum(found["self"]) / hours, 2) if hours else None,
        "heard_error_words": max(found["heard"]) if found.get("heard") else None,
        "idle_core_percent": mean("idle"),
        "scenes": {name: len(found.get(name, [])) for name in ("v2v", "early", "stop", "false")},
    }


def material(
    data: Path | None, limit: int, seed: int
) -> tuple[list[Sound], dict[str, list[Sound]]]:
    """Questions, and sounds that are no interruptions, by kind."""
    rng = np.random.default_rng(seed)
    if data is None:
        paths = sorted(weights.assets("questions").glob("*.wav"))
        questions = [scenes.trim(audio.read(path)) for path in paths][:limit]
        kinds: dict[str, list[Sound]] = {}
    else:
        found = scenes.Material.read(data, "dev", limit, rng)
        questions = [clip for clip in found.speech if 1.5 * RATE < len(clip) < 6 * RATE][:limit]
        kinds = {"backchannel": found.words}
    if not questions:
        raise UserError(f"'{data}' holds no speech of 1.5 to 6 s: give another folder with --data.")
    low = [0.1 * np.roll(question, RATE) for question in questions]
    kinds |= {
        "cough": [scenes.cough(rng) for _ in questions],
        "typing": [scenes.typing(2, rng) for _ in questions],
        "television": low,
    }
    return questions, kinds


def compare(
    systems: Sequence[System],
    questions: list[Sound],
    kinds: dict[str, list[Sound]],
    seed: int,
    keep: Path | None,
) -> None:
    """All scenes with all systems, in turns, so that a busy machine troubles both."""
    from tqdm import tqdm

    def kept(name: str, system: System, recorded: Recorded) -> None:
        if keep is not None:
            folder = keep / system.name / name
            folder.mkdir(parents=True, exist_ok=True)
            audio.write(folder / "input.wav", recorded.microphone, RATE)
            audio.write(folder / "output.wav", recorded.speaker, RATE)

    bar = tqdm(total=len(systems) * (len(questions) * (3 + len(kinds)) + 5), unit="scene")
    for i, question in enumerate(questions):
        other = questions[(i + 1) % len(questions)]
        for system in systems:
            bar.set_description(system.name)
            control, words = answer(system, question, seed + i)
            kept(f"answer-{i}", system, control)
            kept(f"hesitation-{i}", system, hesitation(system, question, seed + i))
            made = interruption(system, question, other, control, words, seed + i)
            kept(f"interruption-{i}", system, made)
            bar.update(3)
            control = undisturbed(system, question, seed + i)
            for kind, sounds in kinds.items():
                sound = sounds[i % len(sounds)]
                made = disturbance(system, question, sound, kind, control, seed + i)
                kept(f"{kind}-{i}", system, made)
                bar.update()
    for system in systems:
        for room in scenes.ROOMS:
            kept(f"echo-{room.replace(' ', '-')}", system, echo(system, room, seed))
            bar.update()
        system.note("idle", idle(system))
        bar.update()
    bar.close()


def load() -> list[System]:
    """The agent, and the plain loop of the same parts, both warm."""
    from antiphon.agent import Agent
    from antiphon.cli.answering import load_agent
    from antiphon.runtime.agent_mind import AgentMind
    from antiphon.s2t import load_ears

    agent = load_agent()
    plain = Agent(
        load_ears("cascade"), agent.t2c, agent.codec, trigger=agent.trigger, source="text"
    )

    def ours(mind: Any, work: Any, canceller: EchoCanceller | None) -> Conversation:
        aside = ThreadWorker() if isinstance(work, ThreadWorker) else InlineWorker()
        return Conversation(mind, canceller=canceller, work=work, aside=aside)

    def loop(mind: Any, work: Any, canceller: EchoCanceller | None) -> PlainLoop:
        return PlainLoop(mind, work)

    systems = [
        System("antiphon", Noted(AgentMind(agent)), ours),
        System("plain_loop", Noted(AgentMind(plain)), loop),
    ]
    for system in systems:
        hearing = system.mind.listen(())
        hearing.feed(np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32))
        list(system.mind.respond(hearing, (), cancelled=lambda: False, seed=0))
    return systems


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="A data folder (docs/data.md); none: the project's own questions."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many questions.")] = 5,
    seed: Annotated[int, typer.Option(help="Of all scenes.")] = 0,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep all recordings here.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure turn taking beside a plain loop of the same parts; in real time."""
    questions, kinds = material(data, limit, seed)
    with chatter_to_stderr():
        systems = load()
        compare(systems, questions, kinds, seed, keep)
    result = {**summary(systems[0]), "plain_loop": summary(systems[1])}
    show(result, json)


if __name__ == "__main__":
    script(main)
