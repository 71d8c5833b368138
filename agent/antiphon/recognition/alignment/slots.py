"""Alignment by slots: Qwen3's forced aligner names the times of all words in one pass.

The audio is followed by the words, each by two timestamp tokens; at those the model says when the
word begins and ends (arXiv 2601.21337, sec. 2.3). It writes nothing, so a recognizer says which
words of a long text belong to which part of the recording.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.alignment.aligner import LongAligner
from antiphon.recognition.alignment.slot_reading import best_path
from antiphon.recognition.qwen3_asr import checkpoint as checkpoints
from antiphon.recognition.qwen3_asr.checkpoint import Checkpoint
from antiphon.recognition.qwen3_asr.tower import encode
from antiphon.recognition.recognizer import SAMPLE_RATE, Recognizer, from_pretrained
from antiphon.recognition.transcript import Options, Word

Sound = NDArray[np.float32]

HUB = "Qwen/Qwen3-ForcedAligner-0.6B"
"""What the name slots stands for."""
STEP_MS = 80.0
"""Milliseconds of a class, where the checkpoint says nothing else."""
LONGEST = 24 * SAMPLE_RATE
"""Samples that are aligned at once at most: words and sound stay together."""
NEAR = 2
"""Classes beside the chosen one whose probability counts as confidence in it."""
TIMESTAMP = "<timestamp>"


class SlotAligner:
    """Places words in an utterance by a forced aligner of Qwen3-ASR's architecture.

    Args:
        checkpoint: the aligner.
        recognizer: says what is spoken in a part of a recording.
        name: of the weights.
        step_ms: milliseconds of a class.

    Raises:
        UserError: The checkpoint transcribes, and aligns nothing.
    """

    languages: tuple[str, ...] = ()

    def __init__(
        self, checkpoint: Checkpoint, recognizer: Recognizer, name: str, step_ms: float = STEP_MS
    ) -> None:
        if not checkpoint.aligner:
            raise UserError(f"{name} transcribes and aligns nothing: take {HUB}.")
        self.recognizer, self.name = recognizer, f"slots of {name}"
        self.model, self.tokenizer = checkpoint.model, checkpoint.tokenizer
        self.marks = checkpoint.marks
        self.slot: int = self.tokenizer.convert_tokens_to_ids(TIMESTAMP)
        self.features = checkpoint.features()
        self.step = step_ms * SAMPLE_RATE / 1000
        self.longest = min(LONGEST, int(self.model.config.num_labels * self.step))

    def hear(self, pcm: Sound, language: str | None) -> str:
        """What is said."""
        state = self.recognizer.start(Options(language=language))
        return self.recognizer.finish(self.recognizer.feed(pcm, state)).text

    def place(self, pcm: Sound, words: Sequence[str], language: str | None) -> list[Word]:
        """The words in an utterance [N]."""
        bare = [spoken(word) for word in words]
        if not any(bare):
            return [Word(word, 0, len(pcm), 0.0) for word in words]
        scores = self.scores(pcm, [word for word in bare if word])
        path = best_path(scores)
        sure = confidences(scores, path)
        times = (path * self.step).round().astype(int).tolist()
        found = list[Word]()
        slot = 0
        for word, said in zip(words, bare, strict=True):
            start = times[min(slot, len(times) - 1)]
            if not said:  # a sign alone is where the next word begins
                found.append(Word(word, start, start, None))
                continue
            found.append(Word(word, start, times[slot + 1], sure[slot // 2]))
            slot += 2
        return found

    @torch.no_grad()
    def scores(self, pcm: Sound, words: Sequence[str]) -> NDArray[np.float32]:
        """Log-probabilities [2 words, classes] of each word's start and end in a sound [N].

        Args:
            pcm: an utterance.
            words: without punctuation.
        """
        full, state = self.features.feed(pcm, self.features.start())
        heard = [encode(self.model, w) for w in (*full, *self.features.finish(state))]
        asked = [self.marks.audio_end]
        for word in words:
            asked += [*self.tokenizer.encode(word, add_special_tokens=False), self.slot, self.slot]
        embed = self.model.get_input_embeddings()
        ids = torch.tensor([self.marks.audio_start, *asked], device=self.model.device)
        first, rest = embed(ids).split([1, len(asked)])
        read = torch.cat([first, *heard, rest])
        states = self.model.model.language_model(inputs_embeds=read[None]).last_hidden_state[0]
        at_slots = states[len(read) - len(asked) :][torch.tensor(asked) == self.slot]
        scores = self.model.score(at_slots).float().log_softmax(-1)
        found: NDArray[np.float32] = scores.cpu().numpy()
        return found


def spoken(word: str) -> str:
    """A word's letters, digits and apostrophes: what the aligner reads of it."""
    return "".join(s for s in word if s == "'" or unicodedata.category(s)[0] in "LN")


def confidences(scores: NDArray[np.float32], path: NDArray[np.int64]) -> list[float]:
    """How much probability lies near the chosen start and end of each word (geometric mean)."""
    near = np.abs(np.arange(scores.shape[1])[None] - path[:, None]) <= NEAR
    mass = (np.exp(scores) * near).sum(1).clip(1e-6, 1.0)
    return [float(np.sqrt(start * end)) for start, end in mass.reshape(-1, 2)]


def load(recognizer: str, name: str = HUB) -> LongAligner:
    """The aligner by slots.

    Args:
        recognizer: says what is spoken; a name, folder or hub id.
        name: of the aligner; a folder or hub id.

    Raises:
        UserError: It is none, or cannot be fetched.
    """
    folder = weights.path(name)
    aligner = SlotAligner(
        checkpoints.load(folder), from_pretrained(recognizer), name, step_ms(folder)
    )
    return LongAligner(aligner)


def step_ms(folder: Path) -> float:
    """Milliseconds of a class of the aligner in a folder, as its processor says."""
    try:
        facts = json.loads((folder / "processor_config.json").read_text("utf-8"))
        return float(facts.get("timestamp_segment_time") or STEP_MS)
    except (OSError, ValueError, TypeError):
        return STEP_MS
