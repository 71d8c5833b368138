"""What the models are asked for in a conversation; the newest reply counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from antiphon.messages import Turn
from antiphon.runtime.responders.responder import Cancelled, Responder, WrittenTurn
from antiphon.runtime.responders.worker import Judged, Output, Work, Worker
from antiphon.runtime.session.playback import Reply
from antiphon.runtime.turns.frame_analysis import Analyzer


class ReplyJobs:
    """Has one reply after another made, each with a generation number of its own.

    Args:
        responder: understands and answers.
        work: runs the models.
        aside: runs the turn-end judge.
        seed: of all sampling.
    """

    def __init__(self, responder: Responder[Any], work: Worker, aside: Worker, seed: int) -> None:
        self.reply: Reply | None = None
        """The reply being made."""
        self._responder, self._work, self._aside = responder, work, aside
        self._seed, self._turns = seed, 0
        self._generation = self._judging = 0

    @property
    def seed(self) -> int:
        """Of what is made for this turn."""
        return self._seed + self._turns

    def next_turn(self) -> None:
        """A turn has been answered, or will be."""
        self._turns += 1

    def submit(self, job: Work) -> Reply:
        """Have a reply made by a job; it takes the place of the one before."""
        self.reply = reply = Reply(self._next_generation())
        self._work.submit(job, reply.generation)
        return reply

    def drop(self) -> None:
        """Nobody wants the reply that is being made."""
        self._next_generation()
        self.reply = None

    def answering(self, question: str, history: Sequence[Turn]) -> Work:
        """The job that answers a written question."""
        responder, seed = self._responder, self.seed

        def work(cancelled: Cancelled) -> Iterator[Output]:
            asked = WrittenTurn(question)
            yield from responder.respond(asked, history, cancelled=cancelled, seed=seed)

        return work

    def saying(self, text: str) -> Work:
        """The job that speaks a text."""
        responder = self._responder

        def work(cancelled: Cancelled) -> Iterator[Output]:
            yield from responder.say(text, cancelled=cancelled)

        return work

    def judge(self, analyzer: Analyzer) -> None:
        """Query how complete the turn sounds; only the newest query counts."""
        self._judging += 1
        judge, number = analyzer.judge(), self._judging

        def judging(cancelled: Cancelled) -> Iterator[Output]:
            yield Judged(judge(), number)

        self._aside.submit(judging)

    def is_newest(self, judged: Judged) -> bool:
        """Whether it answers the newest query."""
        return judged.number == self._judging

    def _next_generation(self) -> int:
        self._generation += 1
        self._work.generation = self._generation
        return self._generation
