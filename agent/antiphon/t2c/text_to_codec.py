"""Text to codec: segments of tokens with their hidden states to units, segment by segment.

The way of a segment: spelling and token embeddings -> pronouncer -> sounds; sounds and token
vectors (the denoising adapter's view of the hidden states, or the embeddings again) -> lengths and
the condition at every unit -> unit-language LM -> unit words -> units. Inside a sentence the
context of earlier segments is carried over, so that joins keep rhythm and pitch; a new sentence
starts afresh.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from antiphon.llm.llama import LlamaConfig
from antiphon.messages import Segment
from antiphon.settings import Source
from antiphon.t2c.denoising_adapter import DenoisingAdapter
from antiphon.t2c.duration_model import DurationConfig, DurationModel, drawn, places
from antiphon.t2c.phonemes import BEGIN, END, PhonemeInventory
from antiphon.t2c.plan import (
    Clause,
    Plan,
    SentenceState,
    joined,
    sentences,
    timed,
)
from antiphon.t2c.pronouncer import SLOTS, Pronouncer, PronouncerConfig, character_ids, unit_scale
from antiphon.t2c.pronunciation.dictionary import Dictionary, Pronunciation, put
from antiphon.t2c.spelling import Spelling
from antiphon.t2c.unit_lm import UnitLM, UnitLMState
from antiphon_codecs.codec import Units
from antiphon_codecs.skip_init import SkipInit
from antiphon_codecs.unit_language.unit_language import UnitLanguage

CONTEXT_SOUNDS = 40
OPENING_UNITS = 2
"""Units of silence before the first sound of a reply."""


@dataclass(frozen=True)
class T2CConfig:
    """Sizes of a `TextToCodec`."""

    hidden: int
    """Width H of the language model."""
    intermediate: int
    """Width between the two layers of the denoising adapter."""
    sounds: tuple[str, ...]
    width: int = 256
    lm_layers: int = 4
    lm_heads: int = 4
    lm_inner: int = 768
    recall: int = 0
    """Tokens the denoising adapter recalls; 0 if the language model's head is not its embedding."""


class TextToCodec(nn.Module):
    """Segments to units.

    Args:
        config: sizes.
        language: the unit language whose words the LM speaks.
        embeddings: [V, H] the language model's token embeddings, frozen.
    """

    def __init__(self, config: T2CConfig, language: UnitLanguage, embeddings: torch.Tensor) -> None:
        super().__init__()
        self.embeddings: torch.Tensor
        self.word_lengths: torch.Tensor
        self.config, self.language = config, language
        self.inventory = PhonemeInventory(tuple(config.sounds))
        count = len(self.inventory)
        self.denoiser = DenoisingAdapter(
            config.hidden, config.intermediate, config.recall, embeddings
        )
        self.pronouncer = Pronouncer(PronouncerConfig(count, config.hidden))
        self.voice = DurationModel(DurationConfig(count, config.hidden, config.width))
        self.lm = UnitLM(
            len(language),
            config.width,
            LlamaConfig(config.width, config.lm_layers, config.lm_heads, config.lm_inner),
        )
        self.dictionary = Dictionary(self.inventory)
        self.length_scale = 1.0
        """How long sounds last, over how long they were when it learnt to speak."""
        self.register_buffer("embeddings", embeddings, persistent=False)
        self.register_buffer(
            "word_lengths", torch.as_tensor(language.lengths, dtype=torch.long), persistent=False
        )

    def start(self) -> SentenceState:
        """The state before the first sentence."""
        return SentenceState()

    def token_vectors(self, segment: Segment, source: Source) -> torch.Tensor:
        """[T, H] vectors of the tokens, at unit scale."""
        if source == "hidden":
            return unit_scale(self.denoiser(segment.hidden.float()))
        ids = torch.tensor([token.id for token in segment.tokens])
        return unit_scale(self.embeddings[ids].float())

    @torch.inference_mode()
    def plan(
        self,
        segment: Segment,
        state: SentenceState,
        *,
        source: Source = "hidden",
        liveliness: float = 0.3,
        generator: torch.Generator | None = None,
    ) -> tuple[Plan, SentenceState]:
        """Decide the sounds of a segment and how long each lasts.

        Args:
            segment: tokens with their hidden states.
            state: from `start` or the segment before.
            source: where token vectors come from.
            liveliness: how much lengths vary: temperature of their distribution.
            generator: source of chance; torch's own if None.
        """
        form = state.continued(segment)
        vectors = self.token_vectors(segment, source)
        # How a word is pronounced is a matter of which tokens were chosen, and that is known
        # exactly; the hidden states say how it is spoken.
        chosen = self.token_vectors(segment, "text")
        clauses: list[Clause] = []
        spans: list[tuple[int, int, int]] = []
        at = 0
        for part, ends in sentences(form):
            ends = ends or segment.final
            sounds, characters, _ = self.pronounce(part, chosen, state, segment.text)
            if not sounds:
                continue
            if fresh := not state.sounds:
                sounds, characters = [self.inventory.id(BEGIN), *sounds], [0, *characters]
            if ends:
                sounds = [*sounds, self.inventory.id(END)]
                characters = [*characters, len(part.text) - 1]
            owners = [part.tokens[c] for c in characters]
            condition, lengths, state = self.course(
                sounds, vectors[torch.tensor(owners)], state, liveliness, generator
            )
            clauses.append(Clause(condition, fresh, tuple(sounds), tuple(lengths), tuple(owners)))
            for character, length in zip(characters, lengths, strict=True):
                spans.append((part.written[character], at, at + length))
                at += length
            state = state.after(part, chosen)
            if ends:
                state = SentenceState(opening=False)
        return Plan(tuple(clauses), tuple(timed(segment.text, spans))), state

    def utter(
        self,
        plan: Plan,
        state: UnitLMState,
        *,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Iterator[tuple[Units, UnitLMState]]:
        """Speak a plan, unit word by unit word.

        Args:
            plan: what to say.
            state: from `lm.start()` or the last word of the segment before.
            temperature: of the unit LM; 0 takes the likeliest word.
            generator: source of chance; torch's own if None.

        Yields:
            The units of each unit word, and the state to go on from.
        """
        for clause in plan.clauses:
            steps = self.lm.speak(
                clause.condition,
                self.word_lengths,
                self.lm.start() if clause.fresh else state,
                temperature=temperature,
                generator=generator,
            )
            for word, reached in steps:
                state = reached
                yield self.language.decode(np.array([word])), state

    def pronounce(
        self, form: Spelling, vectors: torch.Tensor, state: SentenceState, written: str = ""
    ) -> tuple[list[int], list[int], list[Pronunciation]]:
        """Pronounce a spelling after what was said before: look it up, or ask the pronouncer.

        Args:
            form: the spelling.
            vectors: [T, H] of the tokens it came from.
            state: what was said before.
            written: the text that `form.written` counts in, for a user's words.

        Returns:
            Sounds, the character each came from, and what was looked up.
        """
        if not form.text:
            return [], [], []
        own = vectors[torch.tensor(form.tokens)]
        before = len(state.text)
        scores = self.pronouncer(
            torch.tensor([character_ids(state.text + form.text)]),
            joined(state.character_vectors, own)[None],
            torch.ones(1, before + len(form.text), dtype=torch.bool),
        )
        read = self.pronouncer.read(scores[0, before * SLOTS :])
        known = self.dictionary.find(form, written, state.said)
        return *put(known, *read, form.text, self.inventory), known

    @torch.inference_mode()
    def read_spelling(self, text: str) -> tuple[list[int], list[int]]:
        """Sounds of a respelled word and the character each came from, by its letters alone."""
        nothing = torch.zeros(1, len(text) + 1, self.config.hidden)
        letters = torch.tensor([character_ids(" " + text)])
        scores = self.pronouncer(letters, nothing, torch.ones_like(letters, dtype=torch.bool))
        return self.pronouncer.read(scores[0, SLOTS:])

    def course(
        self,
        sounds: list[int],
        vectors: torch.Tensor,
        state: SentenceState,
        liveliness: float = 0.3,
        generator: torch.Generator | None = None,
        given: list[int] | None = None,
    ) -> tuple[torch.Tensor, list[int], SentenceState]:
        """Condition [T, width] and lengths of new sounds, given the sentence so far.

        Args:
            sounds: S ids.
            vectors: [S, H] their token vectors.
            state: the sentence so far.
            liveliness: how much lengths vary.
            generator: source of chance.
            given: [S] the lengths, instead of the model's own.
        """
        ids = torch.tensor([[*state.sounds, *sounds]])
        context = joined(state.vectors, vectors)
        states = self.voice.encode(ids, context[None], torch.ones_like(ids, dtype=torch.bool))
        scores = self.voice.length_scores(states[0, len(state.sounds) :])
        if given is not None:
            lengths = torch.tensor(given)
        else:
            lengths = drawn(scores, liveliness, generator, self.length_scale)
            if state.opening and not state.sounds:
                lengths[0].clamp_(max=OPENING_UNITS)
        every = torch.cat([torch.tensor(state.lengths, dtype=torch.long), lengths])
        owner, place = places(every)
        condition = self.voice.condition(
            states, owner[None], place[None], torch.ones(1, len(owner), dtype=torch.bool)
        )[0, sum(state.lengths) :]
        tail = slice(-CONTEXT_SOUNDS, None)
        state = replace(
            state,
            sounds=(*state.sounds, *sounds)[tail],
            lengths=tuple(every.tolist())[tail],
            vectors=context[tail],
        )
        return condition, lengths.tolist(), state

    # -- files ----------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write the weights in half precision, the sizes in the header."""
        state = {k: v.half().contiguous() for k, v in self.state_dict().items()}
        save_file(state, path, metadata={"config": json.dumps(asdict(self.config))})

    @staticmethod
    def read_config(path: Path) -> T2CConfig:
        """The sizes in the header of what `save` wrote."""
        with safe_open(path, "pt") as file:
            return T2CConfig(**json.loads(file.metadata()["config"]))

    @classmethod
    def load(
        cls,
        path: Path,
        language: UnitLanguage,
        embeddings: torch.Tensor,
        light: bool = False,
    ) -> TextToCodec:
        """Read what `save` wrote.

        Args:
            path: the file.
            language: the unit language it speaks.
            embeddings: [V, H] the language model's token embeddings.
            light: speak with int8 weights in the unit LM, which is bound by memory.
        """
        with SkipInit():
            model = cls(cls.read_config(path), language, embeddings)
        model.load_state_dict({k: v.float() for k, v in load_file(path).items()}, assign=True)
        model.lm.light = light
        return model.eval().requires_grad_(False)
