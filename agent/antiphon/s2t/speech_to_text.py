"""The front half of Antiphon: a spoken or written question in, the reply's tokens out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm import chat_template, int8_model
from antiphon.llm.language_model import LanguageModel, TransformersLanguageModel
from antiphon.llm.tokenizer import load_tokenizer
from antiphon.messages import Token, Turn
from antiphon.recognition.whisper.transcriber import PLACE, Transcriber
from antiphon.s2t.cascade import CascadeEar
from antiphon.s2t.question_encoder import AdaptedEar, Ear, Question, load_adapter
from antiphon.s2t.turn_end_head import TurnEndHead
from antiphon_codecs.interruption import checkpoint

RECENT = 64
"""Tokens of a reply that repeat less likely."""
AT_ONCE = 80_000
"""Samples of a recording that are heard at once; in between it can be given up."""
EARS = ("s2t", "cascade")
"""Hear directly, or transcribe first."""


class Hearing:
    """One question while it is being asked. Belongs to one session.

    What comes before the question is read by the language model while the user still speaks.

    Args:
        model: who listens.
        history: the turns before.
    """

    def __init__(self, model: SpeechToText, history: Sequence[Turn] = ()) -> None:
        self.model = model
        before, self.after = chat_template.around(model.tokenizer, history)
        self.cache = model.writer.start(before)
        self.state = model.ear.start()

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Hear `pcm` [N], mono, 16 kHz."""
        self.state = self.model.ear.feed(pcm, self.state)

    def finish(self) -> Question:
        """The question, if it ends here; the hearing may go on."""
        return self.model.ear.finish(self.state)


class SpeechToText:
    """Ear and language model; one object serves any number of sessions and threads.

    Args:
        writer: a causal language model, corrections merged.
        tokenizer: its tokenizer.
        ear: how it hears.
        end: tokens that end a reply, beside the tokenizer's own.
    """

    def __init__(
        self,
        writer: LanguageModel,
        tokenizer: Any,
        ear: Ear,
        end: int | Sequence[int] | None = None,
    ) -> None:
        self.writer, self.tokenizer, self.ear = writer, tokenizer, ear
        self.hidden_size = writer.table.shape[1]
        self.ends = chat_template.ends(tokenizer, end)

    @classmethod
    def load(
        cls,
        llm: str = "smollm2-135m-instruct",
        encoder: str = "whisper-tiny.en",
        adapter: str | Path | None = None,
        *,
        ears: str = "s2t",
    ) -> SpeechToText:
        """Load by name (`weights.path`).

        Args:
            llm: any causal language model transformers knows.
            encoder: a Whisper.
            adapter: folder of `adapter.safetensors` and `lora.safetensors`, made for this encoder
                and language model; None: the committed one.
            ears: one of `EARS`.

        Raises:
            UserError: if a name is not known, or the adapter was made for other models.
        """
        if ears not in EARS:
            raise UserError(f"There are no ears named '{ears}': choose {' or '.join(EARS)}.")
        folder = weights.path(llm)
        files = weights.assets("s2t") if adapter is None else Path(adapter)
        fits = llm == "smollm2-135m-instruct" or adapter is not None
        if ears != "cascade" and not fits:
            raise UserError(
                f"{llm} has no adapter of its own yet: train one, or choose --ears cascade"
            )
        corrections = files / "lora.safetensors"
        writer = load_writer(folder, corrections if fits and corrections.exists() else None)
        tokenizer = load_tokenizer(folder)
        end = json.loads((folder / "config.json").read_text("utf-8")).get("eos_token_id")
        closing = TurnEndHead.load() if encoder == "whisper-tiny.en" else None
        if ears == "cascade":
            cascade = CascadeEar(Transcriber.load(weights.path(encoder)), closing)
            return cls(writer, tokenizer, cascade, end)
        ear, silence = load_adapter(files / "adapter.safetensors")
        listener = Transcriber.load(weights.path(encoder), silence)
        small = listener.encoder.config.d_model
        if ear.config.audio != 3 * small + PLACE or ear.config.width != writer.table.shape[1]:
            raise UserError(f"the adapter in {files} was made for other models than these")
        hears = AdaptedEar(listener, ear, tokenizer, writer.table, closing)
        return cls(writer, tokenizer, hears, end)

    def start(self, history: Sequence[Turn] = ()) -> Hearing:
        """Begin to listen."""
        return Hearing(self, history)

    def transcribe(self, pcm: NDArray[np.float32]) -> str:
        """What is said in `pcm` [N], mono, 16 kHz."""
        return self.ear.finish(self.ear.feed(pcm, self.ear.start())).text

    def reply(
        self,
        question: Hearing | Question | NDArray[np.float32] | str,
        history: Sequence[Turn] = (),
        max_tokens: int = 160,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        temperature: float = 0.0,
        top_p: float = 0.9,
        seed: int = 0,
        repetition: float = 1.15,
    ) -> Iterator[Token]:
        """Answer.

        Args:
            question: a hearing (which has its history already), what an ear understood, audio [N]
                at 16 kHz, or text.
            history: the turns before.
            max_tokens: longest reply.
            cancelled: asked before every token; True ends the reply.
            temperature: 0 chooses the likeliest token.
            top_p: with a temperature, draw from the likeliest tokens that make up this share.
            seed: of the draw.
            repetition: how much less likely tokens of the last `RECENT` are; 1: not at all. Small
                models that take the likeliest token go round in circles without it.
        """
        if isinstance(question, np.ndarray):
            hearing = self.start(history)
            for first in range(0, len(question), AT_ONCE):
                checkpoint()
                hearing.feed(question[first : first + AT_ONCE])
            question = hearing
        if isinstance(question, Hearing):
            cache, after = question.cache, question.after
            understood = question.finish()
        else:
            before, after = chat_template.around(self.tokenizer, history)
            cache = self.writer.start(before)
            understood = Question(question, None) if isinstance(question, str) else question
        draw = torch.Generator().manual_seed(seed)
        ids, sent = list[int](), 0
        if cancelled() or max_tokens < 1:
            return
        state, logits, cache = self.writer.read(self._embed(understood, after), cache)
        while True:
            checkpoint()  # transformers' own models do not ask
            token = choose(fresher(logits, ids[-RECENT:], repetition), temperature, top_p, draw)
            if token in self.ends:
                return
            ids.append(token)
            text = self.tokenizer.decode(ids)
            new = "" if text.endswith("\N{REPLACEMENT CHARACTER}") else text[sent:]
            sent += len(new)
            yield Token(token, new, state)
            if len(ids) == max_tokens or cancelled():
                return
            state, logits, cache = self.writer.write(token, cache)

    def _embed(self, question: Question, after: list[int]) -> torch.Tensor:
        """[N, H] the question and what follows it in the prompt."""
        table = self.writer.table
        tail = table[after]
        asked = question.embeddings
        if asked is None:
            asked = table[chat_template.encode(self.tokenizer, question.text)]
        return torch.cat([asked.to(tail.dtype), tail])


def load_writer(folder: Path, corrections: Path | None) -> LanguageModel:
    """The fastest writer there is for the language model in a folder.

    Args:
        folder: as transformers keeps it.
        corrections: LoRA to merge.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if int8_model.fits(config) and not torch.cuda.is_available():
        return int8_model.load(folder, corrections)
    return TransformersLanguageModel(int8_model.read_llm(folder, corrections))


def fresher(logits: torch.Tensor, recent: Sequence[int], penalty: float) -> torch.Tensor:
    """Logits [V] with those of recent tokens lowered (Keskar et al. 2019, section 4.1)."""
    if penalty == 1 or not recent:
        return logits
    rows = torch.tensor(sorted(set(recent)))
    scores = logits[rows]
    return logits.index_put((rows,), torch.where(scores > 0, scores / penalty, scores * penalty))


def choose(logits: torch.Tensor, temperature: float, top_p: float, draw: torch.Generator) -> int:
    """A token by its logits [V]: the likeliest, or one drawn from the top."""
    if temperature <= 0:
        return int(logits.argmax())
    odds, order = (logits / temperature).softmax(-1).sort(descending=True)
    odds[1:][odds.cumsum(0)[:-1] > top_p] = 0.0
    return int(order[torch.multinomial(odds, 1, generator=draw)])
