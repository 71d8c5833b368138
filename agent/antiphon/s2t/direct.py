"""Hearing directly: Whisper's states through the adapter into the language model's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.chat_template import encode
from antiphon.llm.language_model import LanguageModel
from antiphon.llm.text_model import TextModel
from antiphon.recognition import hearing_rate
from antiphon.recognition.conversation import listener
from antiphon.recognition.whisper.recognizer import WhisperRecognizer, WhisperState
from antiphon.recognition.whisper.transcriber import POSITION_FEATURES, Transcription
from antiphon.recognition.whisper.turn_end_head import TurnEndHead
from antiphon.s2t import reading_adapter
from antiphon.s2t.adapter import load_adapter
from antiphon.s2t.ctc_labels import SPACE
from antiphon.s2t.question_encoder import Question
from antiphon.s2t.readings import AdapterReadings, DecoderReadings, Readings, TrainedReadings

SURE = 0.25
"""Probability from which a piece of a word was heard surely."""


class DirectEncoder:
    """The language model hears, it does not read.

    What Whisper's decoder heard surely enters as the very embeddings that reading it gives, so
    nothing of it is lost. Where it is in doubt, it enters with what else it may have been.

    Args:
        recognizer: Whisper.
        readings: of pieces in doubt.
        tokenizer: of the language model.
        embeddings: [V, H] its token embeddings.
    """

    def __init__(
        self,
        recognizer: WhisperRecognizer,
        readings: Readings,
        tokenizer: Any,
        embeddings: torch.Tensor,
    ) -> None:
        self.recognizer, self.readings = recognizer, readings
        self.tokenizer, self.embeddings = tokenizer, embeddings

    def start(self) -> WhisperState:
        """State before the first sample."""
        return self.recognizer.start()

    def feed(self, pcm: NDArray[np.float32], state: WhisperState) -> WhisperState:
        """State after `pcm` [N], mono, 16 kHz."""
        return self.recognizer.feed(pcm, state)

    def heard(self, state: WhisperState) -> Question | None:
        """What was heard of the audio so far, if it was heard just now."""
        return self.finish(state) if self.recognizer.fresh(state) else None

    def finish(self, state: WhisperState) -> Question:
        """What is heard of the audio, if it ends here."""
        heard = self.recognizer.transcription(state)
        complete = self.recognizer.complete(heard)
        return Question(heard.text, self.embed(heard), complete, heard.doubt)

    @torch.no_grad()
    def embed(self, heard: Transcription) -> torch.Tensor:
        """[S, H] embeddings of what was heard, one a token of its text.

        Those of pieces in doubt that are tokens are mixtures: of the token by its probability, and
        of the other readings for the rest.
        """
        return self.mixed(heard)

    def mixed(self, heard: Transcription) -> torch.Tensor:
        """The same, with gradients, for training."""
        ids = encode(self.tokenizer, heard.text)
        embedded = self.embeddings[ids].float()
        doubtful = self.doubtful(heard, ids)
        if not doubtful:
            return embedded
        rows, where = map(list, zip(*doubtful, strict=True))
        known, readings = self.readings.read(heard, rows)
        at = torch.tensor(where)[known]
        sure = heard.log_probs[rows].exp()[known, None]
        embedded[at] = sure * embedded[at] + (1 - sure) * readings
        return embedded

    def doubtful(self, heard: Transcription, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Pieces in doubt that are tokens: the row of each among the pieces, and among `ids`.

        Args:
            heard: the question.
            ids: the tokens of its text.
        """
        places = {
            span: i for i, span in enumerate(spans(self.tokenizer.convert_ids_to_tokens(ids)))
        }
        return [
            (row, places[span])
            for row, span in enumerate(spans(heard.pieces))
            if span in places and heard.log_probs[row].exp() < SURE
        ]


def spans(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Where each piece of a text begins and ends, not counting a space in front of the text."""
    lead = 1 if "".join(pieces).startswith(SPACE) else 0
    ends = [max(0, end - lead) for end in accumulate(map(len, pieces), initial=0)]
    return list(pairwise(ends))


@dataclass(frozen=True)
class AdapterFolderConfig:
    """What the `config.json` beside an adapter says."""

    language_model: str
    """The language model it gives embeddings to."""
    recognizer: str
    """The Whisper whose states it takes."""


def adapter_folder(language_model: str, recognizer: str = "") -> Path | None:
    """The trained adapter for a language model and a recognizer ("" takes any); None: none."""
    for folder in weights.trained("adapter").values():
        config = weights.read_config(folder, AdapterFolderConfig)
        if config.language_model == language_model and recognizer in ("", config.recognizer):
            return folder
    return None


def load(loaded: Callable[[], LanguageModel | TextModel], recognizer: str) -> DirectEncoder:
    """The encoder for a language model and a recognizer.

    An adapter that was trained for both reads what is in doubt; without one, the recognizer's own
    decoder does.

    Args:
        loaded: gives the language model.
        recognizer: a name.

    Raises:
        UserError: The language model takes no embeddings, or the adapter does not fit, or a rate
            was chosen.
    """
    llm = loaded()
    if isinstance(llm, TextModel):
        raise UserError(
            f"{llm.name} reads text and takes no embeddings: choose --ears cascade, or a language "
            "model that is no server's."
        )
    hearing_rate.require(hearing_rate.fixed(), (), recognizer)
    folder = adapter_folder(llm.name, recognizer)
    adapter = silence = None
    if folder is not None and not (folder / reading_adapter.FILE).exists():
        adapter, silence = load_adapter(folder / "adapter.safetensors")
    transcriber = listener.load(recognizer, silence)
    width = 3 * transcriber.encoder.config.d_model + POSITION_FEATURES
    readings: Readings
    if adapter is not None:
        if adapter.config.audio != width or adapter.config.width != llm.embeddings.shape[1]:
            raise UserError(
                f"The adapter in {folder} was made for other models than its card says."
            )
        readings = AdapterReadings(adapter, llm.tokenizer, llm.embeddings)
    elif folder is not None:
        file, embedding = folder / reading_adapter.FILE, llm.embeddings.shape[1]
        taught = reading_adapter.load_reading_adapter(file, width, embedding, llm.name)
        readings = TrainedReadings(transcriber, llm.tokenizer, llm.embeddings, taught)
    else:
        readings = DecoderReadings(transcriber, llm.tokenizer, llm.embeddings)
    heard = WhisperRecognizer(transcriber, TurnEndHead.for_recognizer(recognizer))
    return DirectEncoder(heard, readings, llm.tokenizer, llm.embeddings)
