"""The speech-to-text LLM: a spoken or written question in, the reply's tokens out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import settings
from antiphon.compute.cpu_threads import follow_load
from antiphon.errors import UserError
from antiphon.llm import chat_template, language_model, text_model
from antiphon.llm.language_model import LanguageModel
from antiphon.llm.sampling import penalize_repeats, sample
from antiphon.llm.text_model import TextModel
from antiphon.messages import Token, Turn
from antiphon.recognition.speech_detector import SpeechDetector
from antiphon.s2t import question_encoder
from antiphon.s2t.question_encoder import Question, QuestionEncoder
from antiphon.s2t.read_ahead import ReadAhead
from antiphon.s2t.reminder import Reminded, Reminder
from antiphon_codecs.interruption import checkpoint

PENALIZED_TOKENS = 64
"""Tokens of a reply that repeat less likely."""
DOUBTFUL_SECONDS = 0.6
"""Seconds of speech up to which words in doubt are taken for a noise."""


NOTHING = Question("", None, doubt="no speech")
"""What is heard where nobody speaks."""


@dataclass(frozen=True)
class Front:
    """What a language model has read in front of a question."""

    cache: Any
    """What it goes on from; a text model's is the history."""
    before: Sequence[int] = ()
    """The tokens that were read."""
    after: Sequence[int] = ()
    """The tokens between the question and its answer."""


class QuestionStream:
    """One question while it is being asked. Belongs to one session.

    The language model reads what comes before the question, and the question's beginning, while
    the user still speaks. Only what holds speech is heard.

    Args:
        model: hears and answers.
        history: the turns before.
    """

    def __init__(self, model: SpeechToText, history: Sequence[Turn] = ()) -> None:
        follow_load()
        self.model, self.history = model, tuple(history)
        self.front = model.read_ahead(history)
        text_only = isinstance(model.llm, TextModel)
        self._read = None if text_only else ReadAhead(model.llm, self.front.cache)  # type: ignore[arg-type]
        self._speech = model.detector.start() if model.detector else None
        self._state = model.question_encoder.start()
        self._question: Question | None = None

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Hear `pcm` [N], mono, 16 kHz."""
        follow_load()
        self._question = None
        if self.model.detector and self._speech:
            pcm, self._speech = self.model.detector.step(pcm, self._speech)
        if not len(pcm):
            return
        self._state = self.model.question_encoder.feed(pcm, self._state)
        if self._read is not None:
            heard = self.model.question_encoder.heard(self._state)
            if heard is not None and heard.doubt is None:
                self._read.offer(self.model.embed(heard))

    def unread(self, question: Question) -> tuple[Any, torch.Tensor]:
        """The cache to go on from, and what of the question [S, H] has not been read yet."""
        assert self._read is not None
        return self._read.rest(self.model.embed(question))

    def finish(self) -> Question:
        """The question, if it ends here; feeding may go on. The same audio is encoded once."""
        if self._question is None:
            follow_load()
            self._question = self._finish()
        return self._question

    def _finish(self) -> Question:
        encoder, state = self.model.question_encoder, self._state
        seconds = math.inf
        if self.model.detector and self._speech:
            rest, speech = self.model.detector.finish(self._speech)
            if not speech.found:
                return NOTHING
            state = encoder.feed(rest, state) if len(rest) else state
            seconds = speech.seconds
        question = encoder.finish(state)
        if question.doubt == "no speech" or (question.doubt and seconds < DOUBTFUL_SECONDS):
            return replace(NOTHING, complete=question.complete)
        return question


def way_of_hearing(ears: str, llm: str) -> str:
    """How a language model hears best, if `ears` is "auto": directly if it has an adapter."""
    from antiphon.s2t.direct import adapter_folder

    if ears != "auto":
        return ears
    return "s2t" if adapter_folder(llm) else "cascade"


class SpeechToText:
    """Question encoder and language model; one object serves any number of sessions and threads.

    Args:
        llm: the language model, LoRA merged.
        question_encoder: how it hears.
        detector: finds what is worth hearing; None: everything is heard.
        system: what the language model is told before every conversation.
        examples: turns it is shown before every conversation.
        reminder: keeps to what was told; None: the language model does so alone.
    """

    def __init__(
        self,
        llm: LanguageModel | TextModel,
        question_encoder: QuestionEncoder,
        detector: SpeechDetector | None = None,
        system: str = "",
        examples: Sequence[Turn] = (),
        reminder: Reminder | None = None,
    ) -> None:
        self.llm, self.question_encoder = llm, question_encoder
        self.detector, self.system, self.examples = detector, system, tuple(examples)
        self.reminder = reminder

    @classmethod
    def from_pretrained(
        cls,
        llm: str | None = None,
        *,
        ears: str | None = None,
        recognizer: str | None = None,
        persona: str | None = None,
    ) -> SpeechToText:
        """Load by name; what is None is taken from the settings.

        Args:
            llm: a language model.
            ears: how questions are heard: a name of `QUESTION_ENCODERS`, or a recognizer's.
            recognizer: the recognizer behind it.
            persona: who the agent is: a text, or a file that holds one.

        Raises:
            UserError: A name is not known, or what was trained for other models is asked for.
        """
        from antiphon.s2t.direct import adapter_folder

        chosen = settings.load(settings.Models)
        llm = llm or chosen.llm
        persona = chosen.persona if persona is None else persona
        folder = adapter_folder(llm)
        ears = way_of_hearing(ears or chosen.ears, llm)
        hearing = question_encoder.resolve(ears, recognizer or chosen.recognizer)
        lora = folder / "lora.safetensors" if folder else None
        lora = lora if lora and lora.exists() else None
        persona = text_or_file(persona)
        system = chat_template.system_prompt(persona, trained=lora is not None)
        load_llm = partial(language_model.from_pretrained, llm, lora)
        model, encoder = question_encoder.load_both(load_llm, *hearing)
        # A server's model is large enough to do as it is told.
        shown = () if lora or isinstance(model, TextModel) else chat_template.EXAMPLES
        return cls(model, encoder, SpeechDetector(), system, shown, Reminder(persona))

    def heard_by(self, ears: str, recognizer: str) -> SpeechToText:
        """The same language model behind other ears.

        Args:
            ears: how questions are heard: a name of `QUESTION_ENCODERS`, or a recognizer's.
            recognizer: the recognizer behind it.

        Raises:
            UserError: A name is not known, or the language model cannot be used with it.
        """
        ears = way_of_hearing(ears, self.llm.name)
        encoder = question_encoder.from_pretrained(ears, lambda: self.llm, recognizer)
        return SpeechToText(
            self.llm, encoder, self.detector, self.system, self.examples, self.reminder
        )

    def prompt(self, history: Sequence[Turn] = ()) -> tuple[list[int], list[int]]:
        """Tokens in front of a question that follows `history`, and after it."""
        system, said = self._told(history)
        turns = (*self.examples, *said)
        return chat_template.split_at_question(self.llm.tokenizer, turns, system)

    def _told(self, history: Sequence[Turn]) -> tuple[str, Sequence[Turn]]:
        """The system prompt, what a conversation adds to it included, and the turns after it."""
        shown = [turn for turn in history if turn.shown]
        if shown and shown[0].role == "system":
            return f"{self.system} {shown[0].text}".strip(), shown[1:]
        return self.system, shown

    def read_ahead(self, history: Sequence[Turn] = ()) -> Front:
        """Read what is in front of a question that follows `history`.

        A text model reads nothing ahead: it is given all messages at once.
        """
        if self.reminder is not None:
            self.reminder.prepare(history)
        if isinstance(self.llm, TextModel):
            return Front(history)
        before, after = self.prompt(history)
        return Front(self.llm.start(before), before, after)

    def start(self, history: Sequence[Turn] = ()) -> QuestionStream:
        """Begin to listen."""
        return QuestionStream(self, history)

    def transcribe(self, pcm: NDArray[np.float32]) -> str:
        """What is said in `pcm` [N], mono, 16 kHz; empty if nobody speaks."""
        return self.hear(pcm).finish().text

    def hear(self, pcm: NDArray[np.float32], history: Sequence[Turn] = ()) -> QuestionStream:
        """A question [N], mono, 16 kHz, that was asked already: heard once, as a whole."""
        stream = self.start(history)
        stream.feed(pcm)
        return stream

    def reply(
        self,
        question: QuestionStream | Question | NDArray[np.float32] | str,
        history: Sequence[Turn] = (),
        max_tokens: int = 160,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        temperature: float = 0.0,
        top_p: float = 0.9,
        seed: int = 0,
        repetition: float = 1.15,
    ) -> Iterator[Token]:
        """Answer; where nobody speaks, nothing is answered.

        Args:
            question: a stream (which has its history already), an encoded question, audio [N]
                at 16 kHz, or text.
            history: the turns before.
            max_tokens: longest reply.
            cancelled: asked before every token; True ends the reply.
            temperature: 0 chooses the likeliest token.
            top_p: with a temperature, draw from the likeliest tokens that make up this share.
            seed: of the draw.
            repetition: how much less likely tokens of the last `PENALIZED_TOKENS` are; 1: not at
                all. Without it, small models that take the likeliest token repeat themselves.
        """
        if isinstance(question, np.ndarray):
            question = self.hear(question, history)
        if isinstance(question, QuestionStream):
            front, understood, stream = question.front, question.finish(), question
            history = question.history
        else:
            front, stream = self.read_ahead(history), None
            understood = Question(question, None) if isinstance(question, str) else question
        generator = torch.Generator().manual_seed(seed)
        ids, sent = list[int](), 0
        if cancelled() or max_tokens < 1 or understood.doubt == "no speech":
            return
        reminded = Reminded("", "")
        if self.reminder is not None:
            reminded = self.reminder.of(understood.text, history)
        if isinstance(self.llm, TextModel):
            system, said = self._told(history)
            asked = text_model.messages(
                [*said, Turn("user", understood.text + reminded.behind)], system
            )
            pieces = self.llm.reply(
                asked, max_tokens=max_tokens, temperature=temperature, top_p=top_p
            )
            written = islice(text_model.tokens(pieces), max_tokens)
            yield from takewhile(lambda token: not cancelled(), written)
            return
        if stream is None:
            cache, unread = front.cache, self.embed(understood)
        else:
            cache, unread = stream.unread(understood)
        behind = chat_template.encode(self.llm.tokenizer, reminded.behind)
        given = chat_template.encode(self.llm.tokenizer, reminded.begun)
        after = [*behind, *front.after]
        read = torch.cat([unread, self.llm.embeddings[after]])
        state, logits, cache = self.llm.read(read, cache)
        known = 0
        try:
            while True:
                follow_load()
                checkpoint()
                if len(ids) < len(given):
                    token = given[len(ids)]
                else:
                    likely = penalize_repeats(logits, ids[-PENALIZED_TOKENS:], repetition)
                    token = sample(likely, temperature, top_p, generator)
                if token in self.llm.stop_tokens:
                    return
                ids.append(token)
                text = self.llm.tokenizer.decode(ids)
                new = "" if text.endswith("\N{REPLACEMENT CHARACTER}") else text[sent:]
                sent += len(new)
                yield Token(token, new, state)
                if len(ids) == max_tokens or cancelled():
                    return
                state, logits, cache = self.llm.write(token, cache)
                known = len(ids)
        finally:
            # The next question's prompt holds this one and its answer.
            if understood.embeddings is None:
                asked_tokens = chat_template.encode(self.llm.tokenizer, understood.text)
                prompt = [*front.before, *asked_tokens, *after]
                self.llm.keep(prompt + ids[:known], cache)

    def embed(self, question: Question) -> torch.Tensor:
        """[S, H] what the language model reads of a question."""
        if question.embeddings is not None:
            return question.embeddings.to(self.llm.embeddings.dtype)
        return self.llm.embeddings[chat_template.encode(self.llm.tokenizer, question.text)]


def text_or_file(given: str) -> str:
    """A text, or what the file of that name holds.

    Raises:
        UserError: The file holds no text.
    """
    try:
        return Path(given).read_text("utf-8") if given and Path(given).is_file() else given
    except OSError:
        return given  # a text too long for the name of a file
    except UnicodeDecodeError as error:
        raise UserError(f"{given} holds no text: give a file in UTF-8.") from error
