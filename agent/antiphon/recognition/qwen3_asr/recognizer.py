"""Qwen3-ASR behind the `Recognizer` protocol, streaming with cached encoder windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.context import echoes
from antiphon.recognition.languages import names, require_known
from antiphon.recognition.qwen3_asr import checkpoint as checkpoints
from antiphon.recognition.qwen3_asr.checkpoint import Checkpoint
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.prompt import (
    after_audio,
    before_audio,
    english_name,
    named,
    parsed,
    spoken_in,
)
from antiphon.recognition.qwen3_asr.state import QwenState, Window
from antiphon.recognition.qwen3_asr.tower import states_of
from antiphon.recognition.qwen3_asr.writing.context_words import ContextWords
from antiphon.recognition.qwen3_asr.writing.heard_tokens import HeardTokens, log_probs
from antiphon.recognition.qwen3_asr.writing.joint import (
    BEAM,
    GROWING_BEAM,
    Evidence,
    Joint,
    alone,
)
from antiphon.recognition.qwen3_asr.writing.known_words import KnownWords
from antiphon.recognition.qwen3_asr.writing.reader import (
    NOTHING,
    KeyValues,
    Reader,
    Scores,
    Writing,
    Written,
    remembered,
    together,
)
from antiphon.recognition.qwen3_asr.writing.spelling import Spelling
from antiphon.recognition.recognizer import SAMPLE_RATE, folder_of
from antiphon.recognition.transcript import Options, Segment, Transcript

NAME, HUB = "qwen3-asr", "Qwen/Qwen3-ASR-0.6B"
"""What the name stands for where none was trained."""
LANGUAGES = (
    "ar", "yue", "zh", "cs", "da", "nl", "en", "tl", "fi", "fr", "de", "el", "hi", "hu", "id",
    "it", "ja", "ko", "mk", "ms", "fa", "pl", "pt", "ro", "ru", "es", "sv", "th", "tr", "vi",
)  # fmt: skip
"""Codes of the languages of a checkpoint that does not say which it knows: the public ones."""
REFRESH = 2 * SAMPLE_RATE
"""Samples after which a growing recording is read again."""
UNFIXED = 5
"""Tokens at the end of a reading that are written again by the next (prefix rollback)."""
UNFIXED_READINGS = 2
"""First readings that are written again as a whole."""
TOKENS_PER_SECOND, SPARE_TOKENS = 10, 16
"""Tokens of an answer at most."""
TOKEN_WORTH, LETTER_WORTH = 3.0, 1.0
"""What a token and a letter more are worth, in nats: else long texts are left out in part."""
WORDS_NOTE = "This recognizer knows no times of words: `antiphon align` finds them."


@dataclass(frozen=True)
class Qwen3AsrConfig:
    """What is read of a checkpoint's `config.json` here."""

    support_languages: tuple[str, ...] = ()
    """English names of the languages it knows."""


class Qwen3AsrRecognizer:
    """Hears with an audio transformer and writes with a language model.

    Args:
        checkpoint: model and tokenizer.
        name: of the weights.
        languages: codes it knows.
    """

    longest, refresh = 24 * SAMPLE_RATE, REFRESH

    def __init__(
        self, checkpoint: Checkpoint, name: str, languages: Sequence[str] = LANGUAGES
    ) -> None:
        if checkpoint.aligner:
            raise UserError(f"{name} is a forced aligner, which transcribes nothing.")
        self.name, self.languages = name, tuple(languages)
        self.model, self.tokenizer = checkpoint.model, checkpoint.tokenizer
        self.marks = checkpoint.marks
        self.features = checkpoint.features()
        self.heard_weight = checkpoint.heard_weight
        self.letters = checkpoint.letters
        self._spellings = _spellings(checkpoint) if self.heard_weight else []
        # Kept from reading to reading: what they find out of an entry or a word stays true.
        self._context = lru_cache(maxsize=8)(lambda names: ContextWords(names, self.tokenizer))
        self._known = lru_cache(maxsize=8)(lambda name: KnownWords(checkpoint.words, name))

    def start(self, options: Options | None = None) -> QwenState:
        """State before the first sample.

        Raises:
            UserError: It does not know a language.
        """
        options = options or Options()
        for each in (*options.languages, *([options.language] if options.language else [])):
            require_known(each, self.languages, self.name)
        return QwenState(self.features.start(), options)

    def feed(self, pcm: NDArray[np.float32], state: QwenState) -> QwenState:
        """State after `pcm` [N], mono, 16 kHz; what grows is read every two seconds."""
        full, features = self.features.feed(pcm, state.features)
        for frames in full:
            window = self.encode(frames)
            before_it = [] if state.read else [self._head(state.options)]
            read = self._read(torch.cat([*before_it, window.sounds]), state.read)
            state = replace(state, windows=(*state.windows, window), read=read)
        before, fresh = state.fresh, state.fresh + len(pcm)
        state = replace(state, features=features, fresh=fresh)
        if not before or fresh < REFRESH:  # what comes at once may be all there is
            return state
        written = self._write(state, GROWING_BEAM)
        return replace(state, fresh=0, readings=state.readings + 1, written=written)

    def finish(self, state: QwenState) -> Transcript:
        """The transcript, if the audio ends here."""
        if not state.features.samples:
            return self._transcript(state, NOTHING)
        partial = state.options.partials
        if state.fresh or not partial:
            return self._transcript(state, self._write(state, GROWING_BEAM if partial else BEAM))
        return self._transcript(state, state.written)

    def transcribe_batch(
        self, clips: Sequence[NDArray[np.float32]], options: Options
    ) -> list[Transcript]:
        """See `BatchRecognizer`: the language model writes all of them at once."""
        if self._spellings and self.model.device.type == "cpu":
            # The texts that are followed for each fill a step there, so that more only wait.
            return [self.finish(self.feed(clip, self.start(options))) for clip in clips]
        begun = self.start(options)
        states = [self.feed(clip, begun) for clip in clips]
        written = iter(self._write_all([each for each in states if each.features.samples], BEAM))
        return [
            self._transcript(each, next(written) if each.features.samples else NOTHING)
            for each in states
        ]

    def _transcript(self, state: QwenState, written: Written) -> Transcript:
        """What an answer says, or another one if it merely repeats the context."""
        if not state.features.samples:
            return Transcript("", doubt="no speech", recognizer=self.name)
        options = state.options
        answer = parsed(self.tokenizer.decode(list(written.tokens)), options.language)
        if options.context and echoes(answer.text, options.context):
            plain = replace(options, context=())
            return self.finish(replace(state, options=plain, read=(), readings=0, fresh=1))
        sure = float(np.exp(np.mean(written.log_probs))) if written.log_probs else 0.0
        length = state.features.samples
        segment = Segment(answer.text, 0, length, (), answer.language, sure)
        return Transcript(
            answer.text,
            None,
            None if answer.speech else "no speech",
            answer.language,
            None,
            (segment,) if answer.text else (),
            length,
            self.name,
            (WORDS_NOTE,) if options.words and answer.text else (),
        )

    @torch.no_grad()
    def encode(self, window: torch.Tensor) -> Window:
        """What is heard in a window of scaled frames [T, bands]."""
        states = states_of(self.model, window)
        letters = self.letters(states) if self.letters else None
        return Window(self.model.model.multi_modal_projector(states), letters)

    def _heard(self, windows: Sequence[Window]) -> list[Evidence]:
        """What is heard in all windows, of a model that tells it: tokens, and letters."""
        if not self._spellings:
            return []
        table = self.model.get_input_embeddings().weight
        tokens = log_probs(torch.cat([window.sounds for window in windows]), table)
        heard = [_scored(tokens, int(self.model.config.audio_token_id))]
        letters = [window.letters for window in windows if window.letters is not None]
        if letters:
            heard.append(_scored(torch.cat(letters), Letters.blank))
        weight = self.heard_weight / len(heard)
        return [
            Evidence(each, spelling, weight, worth)
            for each, spelling, worth in zip(
                heard, self._spellings, (TOKEN_WORTH, LETTER_WORTH), strict=False
            )
        ]

    def _head(self, options: Options) -> torch.Tensor:
        """[N, width] what comes before the sound."""
        head = before_audio(self.tokenizer, self.marks, options.context)
        return self._embedded(head)

    def _embedded(self, tokens: Sequence[int]) -> torch.Tensor:
        """[N, width] embeddings of tokens."""
        ids = torch.tensor(tokens, device=self.model.device)
        found: torch.Tensor = self.model.get_input_embeddings()(ids)
        return found

    @torch.no_grad()
    def _read(self, embedded: torch.Tensor, known: KeyValues) -> KeyValues:
        """What is remembered after more of a prompt [N, width]; `known` stays as it is."""
        cache = remembered(known)
        out = self.model.model.language_model(
            inputs_embeds=embedded[None], cache=cache, use_cache=True
        )
        return tuple((layer.keys, layer.values) for layer in out.cache.layers)

    def _write(self, state: QwenState, beam: int) -> Written:
        """The answer to a recording so far, going on from the last one but for its end."""
        return self._write_all([state], beam)[0]

    @torch.no_grad()
    def _write_all(self, states: Sequence[QwenState], beam: int) -> list[Written]:
        """The answers to several recordings: the language model writes all of them at once."""
        if not states:
            return []
        begun = [self._begin(state, beam) for state in states]
        reader = Reader.of_all([reader for reader, _ in begun])
        return together(reader, [writing for _, writing in begun])

    def _begin(self, state: QwenState, beam: int) -> tuple[Reader, Writing]:
        """What has been read where the answer to a recording so far goes on, and who writes it."""
        last = [self.encode(window) for window in self.features.finish(state.features)]
        options, language = state.options, state.options.language
        tail = after_audio(self.tokenizer, self.marks, language)
        prefix: list[int] = []
        if state.readings >= UNFIXED_READINGS:
            prefix = self._kept(state.written.tokens)
        known = [] if state.read else list(state.windows)
        before = [] if state.read else [self._head(options)]
        sounds = [window.sounds for window in (*known, *last)]
        parts = [*before, *sounds, self._embedded(tail)]
        if not language and len(options.languages) > 1 and not prefix:
            chosen = self.likeliest(torch.cat(parts), options.languages, state.read)
            prefix = spoken_in(self.tokenizer, self.marks, chosen)
        if prefix:
            parts.append(self._embedded(prefix))
        seconds = state.features.samples / SAMPLE_RATE
        limit = int(seconds * TOKENS_PER_SECOND) + SPARE_TOKENS
        heard = self._heard([*state.windows, *last])
        reader = Reader(self.model, state.read)
        scores = reader.read(torch.cat(parts)[None])
        return reader, self._writing(scores, prefix, limit, heard, options, beam)

    def _writing(
        self,
        scores: Scores,
        prefix: Sequence[int],
        limit: int,
        heard: Sequence[Evidence],
        options: Options,
        beam: int,
    ) -> Writing:
        """Writes the answer that begins with a `prefix`, after which come `scores`."""
        written, ends, mark = Written(tuple(prefix)), self.marks.ends, self.marks.text
        if not heard:
            return (yield from alone(scores, written, limit, ends))[0]
        language = english_name(options.language) if options.language else ""
        if not language and mark not in prefix:
            written, scores = yield from alone(scores, written, limit, ends, until=mark)
            if mark not in written.tokens:
                return written
        language = language or named(self.tokenizer.decode(list(written.tokens)))
        words = self._known(language)
        joint = Joint(heard[0], heard[1:], self._context(options.context), words, beam)
        return (yield from joint.write(scores, written, limit))

    def _kept(self, written: Sequence[int]) -> list[int]:
        """A reading without its last tokens, and without half a character at its end."""
        kept = list(written[: max(0, len(written) - UNFIXED)])
        while kept and self.tokenizer.decode(kept).endswith("\N{REPLACEMENT CHARACTER}"):
            kept.pop()
        return kept

    def likeliest(
        self, asked: torch.Tensor, languages: Sequence[str], known: KeyValues = ()
    ) -> str:
        """Which of the languages the model would name after a prompt [N, width]."""
        scores = {}
        for code in languages:
            said = spoken_in(self.tokenizer, self.marks, code)
            read = torch.cat([asked, self._embedded(said)])[None]
            out = self.model.model.language_model(
                inputs_embeds=read, cache=remembered(known), use_cache=True
            )
            states = out.last_hidden_state[0]
            logits = self.model.lm_head(states[len(asked) - 1 : -1]).float().log_softmax(-1)
            scores[code] = float(logits[range(len(said)), said].sum())
        return max(scores, key=lambda code: scores[code])


def _spellings(checkpoint: Checkpoint) -> list[Spelling]:
    """How texts are heard: in tokens, and in letters by a model that hears them."""
    tokenizer, marks = checkpoint.tokenizer, checkpoint.marks
    found = [Spelling.of_tokens(tokenizer, marks)]
    if checkpoint.letters:
        found.append(Spelling.of_letters(tokenizer, marks, checkpoint.letters))
    return found


def _scored(log_probs: torch.Tensor, blank: int) -> HeardTokens:
    """Labels by their log probabilities [T, labels]."""
    return HeardTokens(log_probs.float().cpu().numpy(), blank)


def load(name: str) -> Qwen3AsrRecognizer:
    """The Qwen3-ASR of a folder or hub id; `qwen3-asr` is one's own, or the smallest public one.

    Raises:
        UserError: It cannot be fetched, or is not what it says.
    """
    public = name == NAME and NAME not in weights.trained("recognizer")
    folder = folder_of(HUB if public else name)
    said = weights.read_config(folder, Qwen3AsrConfig).support_languages
    spoken = said or tuple(map(english_name, LANGUAGES))
    known = [each for each in names() if english_name(each) in spoken]
    return Qwen3AsrRecognizer(checkpoints.load(folder), name, known)
