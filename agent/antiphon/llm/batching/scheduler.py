"""Which conversations read their next steps together (continuous batching; Yu et al. 2022, Orca).

Writing a token reads all weights once, for one conversation or for ten. So the steps that wait
when a pass begins go together; conversations join and leave between two passes. There is no thread
for that: of the threads that wait one computes the pass for all, so that a conversation alone
computes as if there were no scheduler.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from antiphon.errors import UserError
from antiphon.llm.batching.cache import Cache
from antiphon.llm.batching.decoder import BatchedDecoder, Read, Step
from antiphon_codecs import interruption

log = logging.getLogger(__name__)

MOST = 64
"""Conversations in one pass."""
GRACE = 0.25
"""Share of the last pass for which those are waited for who took part in it: they choose a token
and come back at once, or speak first what they have."""
LONGEST_GRACE = 0.05
"""Seconds they are waited for at most."""


@dataclass(eq=False)
class Request:
    """A step that waits."""

    step: Step
    due: Callable[[], float] = field(default_factory=interruption.due)
    """When it is due; who is due first is computed first."""
    thread: int = field(default_factory=threading.get_ident)
    read: Read | None = None
    """What came of it."""
    error: Exception | None = None
    """Why nothing did."""

    @property
    def done(self) -> bool:
        """Whether it waits no longer."""
        return self.read is not None or self.error is not None

    @property
    def length(self) -> int:
        """Tokens it reads."""
        return len(self.step.embeddings)


class Scheduler:
    """Merges the steps that several threads ask for.

    Args:
        decoder: reads them.
        at_once: tokens that may be read at once, padding included, so that nobody waits long.
        most: conversations that may be.
    """

    def __init__(self, decoder: BatchedDecoder, at_once: int, most: int = MOST) -> None:
        self._decoder, self._at_once, self._most = decoder, at_once, most
        self._changed = threading.Condition()
        self._waiting: list[Request] = []
        self._computing = False
        self._absent: dict[int, Request] = {}
        """Threads that took part in the last pass and have not come back, with what was read."""
        self._grace_ends = 0.0

    @property
    def waiting(self) -> int:
        """Steps that were asked for and are not done."""
        return len(self._waiting)

    def start(self) -> Cache:
        """The cache before the first step."""
        return self._decoder.start()

    def read(self, embeddings: torch.Tensor, cache: Cache, *, answered: bool = True) -> Read:
        """Go on reading, a part at a time: others are read between two of them.

        Args:
            embeddings: [N, H], in the processor's memory.
            cache: to go on from; it stays as it is.
            answered: whether the logits are wanted.

        Raises:
            Cancelled: Nobody waits for it any more.
            UserError: The device has no memory left for it.
        """
        parts = embeddings.split(self._at_once)
        for number, part in enumerate(parts, 1):
            interruption.checkpoint()
            read = self._read(Step(part, cache, answered and number == len(parts)))
            cache = read.cache
        return read

    def write(self, embedding: torch.Tensor, cache: Cache) -> Read:
        """The same for the token [1, H] that was chosen."""
        return self.read(embedding, cache)

    def _read(self, step: Step) -> Read:
        """Read a step together with those of other threads, if there are any."""
        request = Request(step)
        with self._changed:
            self._waiting.append(request)
            self._absent.pop(request.thread, None)
            self._changed.notify_all()
        try:
            while self._may_compute(request):
                self._pass()
        finally:
            with self._changed:
                if request in self._waiting:  # this thread was interrupted
                    self._waiting.remove(request)
        if request.error is not None:
            raise request.error
        assert request.read is not None
        return request.read

    def _may_compute(self, request: Request) -> bool:
        """Wait until it is done, or nobody computes; then it is this thread's turn."""
        with self._changed:
            self._changed.wait_for(lambda: request.done or not self._computing)
            if not request.done:
                self._computing = True
            return not request.done

    def _pass(self) -> None:
        """Compute for whoever waits, in the thread of one of them."""
        chosen: list[Request] = []
        began = time.perf_counter()
        try:
            with self._changed:
                self._await_absent()
                chosen = self._choose()
            began = time.perf_counter()
            self._compute(chosen)
        finally:
            with self._changed:
                now = time.perf_counter()
                self._grace_ends = now + min(LONGEST_GRACE, GRACE * (now - began))
                self._absent = {request.thread: request for request in chosen}
                self._waiting = [request for request in self._waiting if not request.done]
                self._computing = False
                self._changed.notify_all()

    def _await_absent(self) -> None:
        """Let those come back who would go before what is urgent now, or together with it."""
        urgent = min(self._waiting, key=lambda request: request.due())

        def wanted(absent: Request) -> bool:
            return absent.length == urgent.length == 1 or absent.due() < urgent.due()

        self._changed.wait_for(
            lambda: not any(map(wanted, self._absent.values())),
            self._grace_ends - time.perf_counter(),
        )
        self._absent.clear()

    def _choose(self) -> list[Request]:
        """Who is due first, and who can be computed with it at hardly more cost."""
        chosen: list[Request] = []
        total = longest = 0
        for request in sorted(self._waiting, key=lambda request: request.due()):
            width, rows = max(longest, request.length), len(chosen) + 1
            read = width * rows  # padding included
            fits = read <= self._at_once and read <= 2 * (total + request.length)
            if not chosen or width == 1 or fits:
                chosen.append(request)
                total, longest = total + request.length, width
            if len(chosen) == self._most:
                break
        return chosen

    def _compute(self, requests: Sequence[Request]) -> None:
        """Read the steps; if that fails, in parts, so that an error reaches only its own thread."""
        try:
            read = self._decoder([request.step for request in requests])
        except Exception as error:
            # A traceback holds the tensors of the pass.
            failure = error.with_traceback(None) if out_of_memory(error) else error
        else:
            for request, result in zip(requests, read, strict=True):
                request.read = result
            return
        count, fewer = len(requests), max(1, len(requests) // 2)
        if out_of_memory(failure):
            torch.cuda.empty_cache()
            if count == 1:
                failure = UserError(
                    "The device has no memory left for this conversation: let fewer be held at "
                    "once, or choose a smaller model with --llm."
                )
            elif fewer < self._most:
                self._most = fewer
                log.warning(
                    "The device has no memory for %d conversations at once: from now on %d are "
                    "computed together at most.",
                    count,
                    fewer,
                )
        if count == 1:
            requests[0].error = failure
            return
        for begin in range(0, count, fewer):
            self._compute(requests[begin : begin + fewer])


def out_of_memory(error: Exception) -> bool:
    """Whether a device had no memory left; only NVIDIA's says so by the kind of its error."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate" in text)
    )
