"""Whisper's text decoder: a window's transcript, the states that chose it, and where it sounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.rounded_head import RoundedHead
from antiphon.recognition.whisper.decoding import DecoderState, Request, Transcript, extended
from antiphon.recognition.whisper.layers import DecoderLayer, WhisperConfig, load
from antiphon_codecs.skip_init import SkipInit

TOKENS_PER_SECOND = 10
"""Faster than anybody speaks: a transcript that grows beyond it is a loop."""

Marks = tuple[torch.Tensor, torch.Tensor, list[int | None]]
"""See `TextDecoder.first_marks`."""

REPEATS = 4
"""Repetitions from which a loop of the decoder is assumed, and not a speaker who repeats."""


class TextDecoder(nn.Module):
    """Greedy transcripts without timestamps.

    Args:
        config: sizes.
        prompt: special tokens in front of every transcript.
        end: the end mark.
        no_speech: the mark for a window without speech.
        languages: the marks of all languages; empty if there is but one.
        suppressed: tokens that are never chosen.
        alignment: (layer, head) pairs whose attention follows the audio.
    """

    allowed: torch.Tensor

    def __init__(
        self,
        config: WhisperConfig,
        prompt: Sequence[int],
        end: int,
        no_speech: int,
        languages: range,
        suppressed: Sequence[int],
        alignment: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__()
        self.config, self.prompt = config, list(prompt)
        self.end, self.no_speech, self.languages = end, no_speech, languages
        self.alignment = list(alignment)
        width = config.d_model
        self.embed_tokens = nn.Embedding(config.vocab_size, width)
        self.embed_positions = nn.Embedding(config.max_target_positions, width)
        self.layers = nn.ModuleList(
            DecoderLayer(width, config.encoder_attention_heads)
            for _ in range(config.decoder_layers)
        )
        self.layer_norm = nn.LayerNorm(width)
        allowed = torch.zeros(config.vocab_size)
        allowed[list(suppressed)] = -torch.inf
        allowed[end + 1 :] = -torch.inf
        self.register_buffer("allowed", allowed, persistent=False)

    @classmethod
    def load(cls, folder: Path) -> TextDecoder:
        """The decoder of the Whisper checkpoint in `folder`, float32, frozen."""
        config = WhisperConfig.read(folder)
        marks = json.loads((folder / "ctranslate2" / "config.json").read_text())
        english = config.vocab_size == 51_864
        end = 50_256 if english else 50_257
        prompt = [50_257, 50_362] if english else [50_258, 50_259, 50_359, 50_363]
        no_speech = prompt[-1] - 1
        languages = range(0) if english else range(prompt[1], prompt[2] - 1)
        alignment = [(layer, head) for layer, head in marks["alignment_heads"]]
        suppressed = [i for i in marks["suppress_ids"] if i >= 0]
        with SkipInit():
            decoder = cls(config, prompt, end, no_speech, languages, suppressed, alignment)
        load(decoder, folder, "decoder.")
        return decoder

    @property
    def before(self) -> int:
        """The mark in front of a context."""
        return self.no_speech - 1

    def prompt_in(self, request: Request | None) -> list[int]:
        """The prompt, in the language of the request if it names just one."""
        prompt = list(self.prompt)
        if self.languages and request and len(request.languages) == 1:
            prompt[1] = request.languages[0]
        return prompt

    @property
    def stack(self) -> list[DecoderLayer]:
        """The layers."""
        return [layer for layer in self.layers if isinstance(layer, DecoderLayer)]

    def start(self, audio: torch.Tensor, behind: DecoderState | None = None) -> DecoderState:
        """State before the first token of windows [B, S, width].

        Args:
            audio: the windows.
            behind: the start of a longer constant window; what of it is longer than the audio is
                seen behind the audio.
        """
        keys = [layer.encoder_attn.keys(audio) for layer in self.stack]
        if behind is not None:
            keys = [extended(own, more) for own, more in zip(keys, behind.audio, strict=True)]
        return DecoderState(tuple(keys), ())

    def step(
        self, tokens: torch.Tensor, state: DecoderState
    ) -> tuple[torch.Tensor, torch.Tensor, DecoderState]:
        """Read tokens [B, U]: post-norm states [B, U, width], looks [B, U, S], the new state."""
        states, looks, after = self.step_by_heads(tokens, state)
        return states, looks.mean(0), after

    def step_by_heads(
        self, tokens: torch.Tensor, state: DecoderState
    ) -> tuple[torch.Tensor, torch.Tensor, DecoderState]:
        """The same, but looks [heads, B, U, S] are those of each head that follows the audio."""
        past, count = state.length, tokens.shape[1]
        x = self.embed_tokens(tokens) + self.embed_positions.weight[past : past + count]
        causal = torch.ones(count, past + count, dtype=torch.bool).tril(past)
        text, looks = [], []
        for i, layer in enumerate(self.stack):
            y = layer.self_attn_layer_norm(x)
            new = layer.self_attn.keys(y)
            if state.text:
                old = state.text[i]
                new = (torch.cat([old[0], new[0]], 2), torch.cat([old[1], new[1]], 2))
            text.append(new)
            x = x + layer.self_attn(y, new, causal)
            seen, weights = layer.encoder_attn.look(
                layer.encoder_attn_layer_norm(x), state.audio[i]
            )
            looks += [weights[:, head] for where, head in self.alignment if where == i]
            x = layer.feed_forward(x + seen)
        return self.layer_norm(x), torch.stack(looks), DecoderState(state.audio, tuple(text))

    @cached_property
    def _head(self) -> RoundedHead:
        return RoundedHead(self.embed_tokens.weight)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Logits [..., V], float32, of post-norm states [..., width]; see `RoundedHead`."""
        if states.device.type != "cpu":
            return F.linear(states, self.embed_tokens.weight).float()
        return self._head(states)

    def choose(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The greedy next tokens [...] of post-norm states [..., width], and their log probs."""
        logits = self.logits(states)
        best, tokens = (logits + self.allowed).max(-1)
        return tokens, best - logits.logsumexp(-1)

    def first_marks(self, states: torch.Tensor, marks: Sequence[int] = ()) -> Marks:
        """What follows the first token of the prompt.

        Args:
            states: [B, width] post-norm states of that token.
            marks: of the languages to choose from; none: the prompt's.

        Returns:
            Probabilities [B] of no speech, and of the likeliest of the languages among all that
            there are; its marks [B].
        """
        logits = self.logits(states)
        no_speech = logits.softmax(-1)[:, self.no_speech]
        if not self.languages:
            return no_speech, torch.ones_like(no_speech), [None] * len(states)
        known = self.embed_tokens.weight[self.languages.start : self.languages.stop]
        among = F.linear(states, known).float().softmax(-1)
        offered = torch.tensor(marks or [self.prompt[1]])
        best, at = among[:, offered - self.languages.start].max(-1)
        return no_speech, best, offered[at].tolist()

    def limit(self, frames: int) -> int:
        """Most tokens of a window of `frames` encoder states (50 a second)."""
        room = self.config.max_target_positions // 2
        return min(room, 8 + frames * TOKENS_PER_SECOND // 50)

    @torch.no_grad()
    def transcribe(
        self,
        audio: torch.Tensor,
        draft: Sequence[int] = (),
        behind: DecoderState | None = None,
        request: Request | None = None,
    ) -> Transcript:
        """The transcript of one window's encoder states [S, width].

        Args:
            audio: the window.
            draft: a guess, for instance the transcript of the window when it was shorter. The part
                of it that greedy decoding would choose is read in one go; it never changes the
                result.
            behind: see `start`.
            request: language and context; None: in the prompt's language, without context.
        """
        limit = self.limit(len(audio))
        guess = list(draft)[:limit]
        states, looks, state, marks = self.ask(self.start(audio[None], behind), request, guess)
        no_speech, language, mark = float(marks[0]), float(marks[1]), marks[2][0]
        asked = state.length - len(guess)
        states, looks = states[0, -1 - len(guess) :], looks[0, -1 - len(guess) :]
        choices, log_probs = self.choose(states)
        chosen = choices.tolist()
        agreed = 0
        while agreed < len(guess) and chosen[agreed] == guess[agreed]:
            agreed += 1
        state = state.crop(asked + agreed)
        found = [(states[: agreed + 1], looks[: agreed + 1], log_probs[: agreed + 1])]
        tokens, token = guess[:agreed], chosen[agreed]
        while token != self.end and len(tokens) < limit and not loops(tokens):
            tokens.append(token)
            states, looks, state = self.step(torch.tensor([[token]]), state)
            choices, log_probs = self.choose(states[0])
            found.append((states[0], looks[0], log_probs))
            token = int(choices)
        states, looks, log_probs = map(torch.cat, zip(*found, strict=True))
        return Transcript(
            tuple(tokens), states, looks[:, : len(audio)], log_probs, no_speech, language, mark
        )

    @torch.no_grad()
    def read(
        self,
        audio: torch.Tensor,
        tokens: Sequence[int],
        behind: DecoderState | None = None,
        request: Request | None = None,
    ) -> Transcript:
        """A text that is known, read along with one window's encoder states [S, width].

        Args:
            audio: the window.
            tokens: of the text.
            behind: see `start`.
            request: see `prompt_in`.
        """
        prompt = self.prompt_in(request)
        given = torch.tensor([prompt + list(tokens)])
        states, looks, _ = self.step(given, self.start(audio[None], behind))
        no_speech, language, mark = self.first_marks(states[:, 0], prompt[1:2])
        states, looks = states[0, len(prompt) - 1 :], looks[0, len(prompt) - 1 :]
        wanted = torch.tensor([*tokens, self.end])
        logits = F.linear(states, self.embed_tokens.weight).float()
        log_probs = logits.log_softmax(-1).gather(-1, wanted[:, None])[:, 0]
        return Transcript(
            tuple(tokens), states, looks[:, : len(audio)], log_probs,
            float(no_speech), float(language), mark[0],
        )  # fmt: skip

    def ask(
        self, state: DecoderState, request: Request | None, guess: Sequence[int] = ()
    ) -> tuple[torch.Tensor, torch.Tensor, DecoderState, Marks]:
        """Read context, prompt and a guess of the text.

        Args:
            state: of B windows, before the first token.
            request: language and context.
            guess: the same tokens for all of them.

        Returns:
            As `step` does, at least from the last token of the prompt on; as `first_marks` does.
        """
        request, count = request or Request(), len(state.audio[0][0])
        context = [self.before, *request.context] if request.context else []
        several = self.languages and len(request.languages) > 1
        if several:
            first, _, state = self.step(
                torch.tensor([[*context, self.prompt[0]]]).expand(count, -1), state
            )
            marks = self.first_marks(first[:, -1], request.languages)
            prompts = [[mark or self.prompt[1], *self.prompt[2:], *guess] for mark in marks[2]]
            return *self.step(torch.tensor(prompts), state), marks
        prompt = self.prompt_in(request)
        read = torch.tensor([[*context, *prompt, *guess]]).expand(count, -1)
        states, looks, state = self.step(read, state)
        marks = self.first_marks(states[:, len(context)], request.languages)
        return states, looks, state, marks

    @torch.no_grad()
    def transcribe_batch(
        self, state: DecoderState, lengths: Sequence[int], request: Request | None = None
    ) -> list[Transcript]:
        """Transcripts of several windows.

        Args:
            state: of B windows, before the first token.
            lengths: how many encoder states of each are audio.
            request: language and context; None: in the prompt's language, without context.
        """
        states, looks, state, marks = self.ask(state, request)
        no_speech, language = marks[0].tolist(), marks[1].tolist()
        all_states, all_looks = [states[:, -1:]], [looks[:, -1:]]
        tokens, log_probs = list[torch.Tensor](), list[torch.Tensor]()
        limits = torch.tensor([self.limit(n) for n in lengths])
        over = torch.zeros(len(lengths), dtype=torch.bool)
        while True:
            token, log_prob = self.choose(all_states[-1][:, -1])
            over = over | (len(tokens) >= limits)
            if tokens:
                over = over | torch.tensor([loops(row) for row in torch.stack(tokens, 1).tolist()])
            token = torch.where(over, self.end, token)
            over = over | (token == self.end)
            tokens.append(token)
            log_probs.append(log_prob)
            if bool(over.all()):
                break
            states, looks, state = self.step(token[:, None], state)
            all_states.append(states)
            all_looks.append(looks)
        chosen, sure = torch.stack(tokens, 1), torch.stack(log_probs, 1)
        states, looks = torch.cat(all_states, 1), torch.cat(all_looks, 1)
        found = []
        for row, length in enumerate(lengths):
            count = int((chosen[row] == self.end).nonzero()[0])
            found.append(
                Transcript(
                    tuple(chosen[row, :count].tolist()),
                    states[row, : count + 1].clone(),
                    looks[row, : count + 1, :length].clone(),
                    sure[row, : count + 1].clone(),
                    no_speech[row],
                    language[row],
                    marks[2][row],
                )
            )
        return found


def loops(tokens: Sequence[int]) -> bool:
    """Whether `tokens` end in the same words over and over: nothing sensible will follow."""
    return any(
        len(tokens) >= REPEATS * n
        and all(tokens[-i] == tokens[-i - n] for i in range(1, (REPEATS - 1) * n + 1))
        for n in range(1, 9)
    )
