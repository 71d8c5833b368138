"""A reply that is made when somebody asks for it, and not when the user's turn ends."""

from __future__ import annotations

from antiphon.messages import Turn
from antiphon.runtime.events import Latency
from antiphon.runtime.responders.worker import Work
from antiphon.runtime.session.memory import Memory
from antiphon.runtime.session.reply_jobs import ReplyJobs
from antiphon.runtime.session.user_turn import UserTurn


class AskedReply:
    """Keeps the turn that was heard last, and whether an answer to it is asked for."""

    def __init__(self) -> None:
        self.prompt: str | None = None
        """What is to be answered if the user left nothing to answer; None: nothing is."""
        self._kept: tuple[UserTurn, Work] | None = None
        """The last turn that was not answered, and the job that answers it."""
        self._answered: UserTurn | None = None
        """The turn that a reply asked for answers."""

    def keep(self, turn: UserTurn, answer: Work) -> None:
        """A turn may be answered later, by a job."""
        self._kept = turn, answer

    def forget(self) -> bool:
        """The turn that was kept is not answered any more; returns whether there was one."""
        kept, self._kept = self._kept, None
        return kept is not None

    def begin(self, memory: Memory, jobs: ReplyJobs) -> Work:
        """The job that answers what the user said or wrote last."""
        prompt, self.prompt = self.prompt or "", None
        said = memory.take_question()
        history = memory.context()
        kept, self._kept = self._kept, None
        if said:
            memory.add(Turn("user", said))
        if kept and said in ("", kept[0].text):
            self._answered, job = kept
            return job
        self._answered = None
        return jobs.answering(said or prompt, history)

    def started(self, now: int) -> Latency | None:
        """It sounds now; returns where the time went, if it answers what was spoken."""
        answered, self._answered = self._answered, None
        return answered.latency(now) if answered else None

    def cancel(self) -> None:
        """It is not wanted any more."""
        self.prompt = self._answered = None
