"""Speech at any of several rates into a frozen language model that writes what was said.

    <bos> sound, one vector for so many encoder states [lips, likewise] <prompt> text <eos>

A rate is how many states of the speech encoder (50 a second) are averaged to one vector; a lip
rate, how many of the lip encoder (25 a second).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from antiphon.compute.precision import mixed_precision
from antiphon.errors import UserError
from antiphon.recognition import hearing_rate
from antiphon.recognition.lips.lip_pictures import FPS
from antiphon.recognition.mome.adapters import AdapterConfig, active_parameters, attach
from antiphon.recognition.mome.experts import Pass
from antiphon.recognition.mome.lip_encoder import TimeBlock
from antiphon.recognition.whisper.text_decoder import loops
from antiphon_codecs.interruption import checkpoint

RATES = (1, 2, 4, 8, 16)
LIP_RATES = (1, 2, 5)
HIGHEST, HIGHEST_OF_LIPS = 20, 5
"""Encoder states that are averaged to one vector at most."""
FRAMES_PER_SECOND = 50
FRAMES_A_PICTURE = FRAMES_PER_SECOND // FPS
"""States of the sound's encoder for one of the lips'."""
TOKENS_PER_SECOND, SPARE_TOKENS = 7, 10
"""Tokens of a text at most: faster than anybody speaks."""
BALANCE = 0.01
"""Weight of the load balancing loss."""


@dataclass(frozen=True)
class MomeConfig:
    """What a model is made of."""

    language_model: str
    """Name or folder of the language model, which stays as it is."""
    whisper: str
    """The Whisper with whose encoder it hears."""
    rates: tuple[int, ...] = RATES
    """Those it is trained at, rising."""
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    audio_width: int = 384
    """Of an encoder state."""
    context_blocks: int = 1
    """That look at neighbouring states before they are averaged; all rates share them."""
    context_reach: int = 5
    """States on either side that each of them looks at."""
    projector_width: int = 768
    """Inner width of the projectors, one for each rate."""
    prompt: str = " Transcribe speech to text:"
    """Stands between sound and text."""
    lips: str | None = None
    """Name or folder of the lip encoder; None: it only hears."""
    lip_rates: tuple[int, ...] = ()
    """Those it is trained at, rising."""
    lip_width: int = 128
    """Of a lip encoder's state."""

    def __post_init__(self) -> None:
        if not self.rates or bool(self.lip_rates) != (self.lips is not None):
            raise UserError("It needs a rate, and rates of lips if and only if it sees them.")
        for rates, highest in ((self.rates, HIGHEST), (self.lip_rates, HIGHEST_OF_LIPS)):
            if list(rates) != sorted(set(rates)):
                raise UserError(f"The rates {rates} are not rising: give such as 1,2,4,8,16.")
            if rates and not 1 <= rates[0] <= rates[-1] <= highest:
                raise UserError(f"The rates {rates} are not between 1 and {highest}.")


Lips = Sequence[torch.Tensor | None]


@dataclass(frozen=True)
class Written:
    """What was written of a sound."""

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]


def pooled(frames: torch.Tensor, rate: int) -> torch.Tensor:
    """Means [ceil(T / rate), width] of so many states [T, width]; the last may be of fewer."""
    if len(frames) <= rate:
        return frames.mean(0, keepdim=True) if len(frames) else frames
    rows = frames.T[None]
    return F.avg_pool1d(rows, rate, ceil_mode=True, count_include_pad=False)[0].T


class Projector(nn.Sequential):
    """Pooled states [..., inputs] to vectors [..., width] as large as those of tokens.

    Args:
        inputs: width of a state.
        inner: width in between.
        width: of the language model.
        size: standard deviation of its token embeddings.
    """

    def __init__(self, inputs: int, inner: int, width: int, size: float) -> None:
        norm = nn.LayerNorm(width)
        nn.init.constant_(norm.weight, size)
        super().__init__(nn.Linear(inputs, inner), nn.ReLU(), nn.Linear(inner, width), norm)


class MomeModel(nn.Module):
    """A frozen language model that hears.

    Args:
        llm: a causal language model of transformers.
        tokenizer: its tokenizer.
        config: of what is added to it.
    """

    def __init__(self, llm: Any, tokenizer: Any, config: MomeConfig) -> None:
        super().__init__()
        self.config, self.tokenizer = config, tokenizer
        self.llm = llm.eval()
        self.adapters = attach(llm, config.adapter, len(config.rates))
        table = llm.get_input_embeddings().weight
        size = float(table.float().std())

        def projectors(width: int, rates: Sequence[int]) -> nn.ModuleDict:
            inner = config.projector_width
            return nn.ModuleDict(
                {str(r): Projector(width, inner, len(table[0]), size) for r in rates}
            )

        blocks = (
            TimeBlock(config.audio_width, config.context_reach)
            for _ in range(config.context_blocks)
        )
        self.context = nn.Sequential(*blocks)
        self.projectors = projectors(config.audio_width, config.rates)
        self.lip_projectors = projectors(config.lip_width, config.lip_rates)
        self.end = int(tokenizer.eos_token_id)
        begin = llm.config.bos_token_id
        self.begin = self.end if begin is None else int(begin)
        self.prompt: list[int] = tokenizer(config.prompt, add_special_tokens=False)["input_ids"]

    def train(self, mode: bool = True) -> MomeModel:
        """Training mode of what learns; the language model stays as it is."""
        super().train(mode)
        self.llm.eval()
        return self

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.projectors.parameters()).device

    def active_parameters(self) -> int:
        """Parameters of the adapters that a token goes through; projectors are not counted."""
        return active_parameters(self.adapters)

    def added(self) -> dict[str, torch.Tensor]:
        """What was added to the language model."""
        return {
            name: value for name, value in self.state_dict().items() if not name.startswith("llm.")
        }

    def scale(self, rate: int) -> int:
        """The place of a rate among those it is trained at.

        Raises:
            UserError: It is not among them.
        """
        hearing_rate.require(rate, self.config.rates, "this model")
        return self.config.rates.index(rate)

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, as words that follow others."""
        found: list[int] = self.tokenizer(f" {text}", add_special_tokens=False)["input_ids"]
        return found

    def contextual(self, frames: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """States [T, audio_width] of each sound that know of their neighbours."""
        states = [sound.to(self.device, torch.float32) for sound in frames]
        if not any(map(len, states)):
            return states
        lengths = torch.tensor([len(sound) for sound in states], device=self.device)
        x = pad_sequence(states, batch_first=True)
        real = (torch.arange(x.shape[1], device=self.device) < lengths[:, None])[..., None]
        with self.precision():
            for block in self.context:
                x = block(x) * real
        return [row[: len(sound)].float() for row, sound in zip(x, states, strict=True)]

    def hear(self, frames: Sequence[torch.Tensor], rate: int) -> list[torch.Tensor]:
        """Vectors [ceil(T / rate), width] that stand for the states of sounds [T, audio_width]."""
        self.scale(rate)
        parts = [pooled(sound, rate) for sound in self.contextual(frames)]
        found = self.projectors[str(rate)](torch.cat(parts))
        return list(found.split([len(part) for part in parts]))

    def see(self, lips: Sequence[torch.Tensor | None], rate: int) -> list[torch.Tensor]:
        """Vectors [ceil(T / rate), width] that stand for the states of lips [T, lip_width].

        Raises:
            UserError: Nobody trained the rate.
        """
        if rate not in self.config.lip_rates:
            known = ", ".join(map(str, self.config.lip_rates)) or "none: it sees no lips"
            raise UserError(f"Nobody trained this model at lip rate {rate}: choose {known}.")
        unseen = torch.zeros(0, self.config.lip_width)
        parts = [pooled((unseen if part is None else part).float(), rate) for part in lips]
        found = self.lip_projectors[str(rate)](torch.cat(parts).to(self.device))
        return list(found.split([len(part) for part in parts]))

    def prompted(
        self, frames: Sequence[torch.Tensor], rate: int, lips: Lips = (), lip_rate: int = 0
    ) -> list[torch.Tensor]:
        """[N, width] of each sound, and all else that stands in front of its text."""
        begin, prompt = self.embedded([self.begin]), self.embedded(self.prompt)
        sounds = self.hear(frames, rate)
        seen = self.see(lips, lip_rate) if lips else [prompt[:0]] * len(sounds)
        return [torch.cat([begin, *both, prompt]) for both in zip(sounds, seen, strict=True)]

    def embedded(self, tokens: Sequence[int]) -> torch.Tensor:
        """[N, width] embeddings of tokens."""
        ids = torch.tensor(tokens, dtype=torch.long, device=self.device)
        found: torch.Tensor = self.llm.get_input_embeddings()(ids).float()
        return found

    def losses(
        self,
        frames: Sequence[torch.Tensor],
        texts: Sequence[Sequence[int]],
        rate: int,
        lips: Lips = (),
        lip_rate: int = 0,
    ) -> Mapping[str, torch.Tensor]:
        """Cross-entropy of texts at a rate, and the load balancing loss.

        Args:
            frames: [T, audio_width] encoder states of each clip.
            texts: tokens of each.
            rate: one of the configuration's.
            lips: [T, lip_width] states of each clip's lips, or None; empty: of no clip.
            lip_rate: one of the configuration's.
        """
        heads = self.prompted(frames, rate, lips, lip_rate)
        said = self.embedded([token for text in texts for token in text])
        parts = said.split([len(text) for text in texts])
        rows = [torch.cat(both) for both in zip(heads, parts, strict=True)]
        wanted = [
            torch.tensor([*[-100] * (len(head) - 1), *text, self.end])
            for head, text in zip(heads, texts, strict=True)
        ]
        targets = pad_sequence(wanted, batch_first=True, padding_value=-100).to(self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        real = torch.arange(targets.shape[1], device=self.device) < lengths[:, None]
        with self.precision(), Pass(self.scale(rate), real) as now:
            states = self.llm.get_decoder()(
                inputs_embeds=pad_sequence(rows, batch_first=True), use_cache=False
            ).last_hidden_state
            asked = targets != -100
            logits = self.llm.get_output_embeddings()(states[asked])
        spoken = F.cross_entropy(logits.float(), targets[asked])
        balance = now.balance.to(spoken)
        return {"loss": spoken + BALANCE * balance, "text": spoken, "balance": balance}

    @torch.no_grad()
    def write(
        self, frames: Sequence[torch.Tensor], rate: int, lips: Lips = (), lip_rate: int = 0
    ) -> list[Written]:
        """What is said in sounds of about the same length, the likeliest token each time.

        Args:
            frames: [T, audio_width] encoder states of each sound; none of what is only seen.
            rate: one of the configuration's.
            lips: [T, lip_width] states of the lips of each, or None; empty: of none.
            lip_rate: one of the configuration's.
        """
        from transformers import DynamicCache

        rows = self.prompted(frames, rate, lips, lip_rate)
        seen_only = [FRAMES_A_PICTURE * len(part) if part is not None else 0 for part in lips]
        limits = [
            max(length) * TOKENS_PER_SECOND // FRAMES_PER_SECOND + SPARE_TOKENS
            for length in zip_longest(map(len, frames), seen_only, fillvalue=0)
        ]
        longest = max(map(len, rows))
        read = torch.stack([F.pad(row, (0, 0, longest - len(row), 0)) for row in rows])
        empty = torch.tensor([longest - len(row) for row in rows], device=self.device)
        seen = torch.arange(longest, device=self.device) >= empty[:, None]
        cache = DynamicCache(config=self.llm.config)
        places = (seen.cumsum(1) - 1).clamp(min=0)
        texts: list[list[int]] = [[] for _ in rows]
        sure: list[list[float]] = [[] for _ in rows]
        over = [False] * len(rows)
        with self.precision(), Pass(self.scale(rate), seen):
            while True:
                checkpoint()
                states = self.llm.get_decoder()(
                    inputs_embeds=read, attention_mask=seen.long(), position_ids=places,
                    past_key_values=cache, use_cache=True,
                ).last_hidden_state[:, -1]  # fmt: skip
                scores = self.llm.get_output_embeddings()(states).float().log_softmax(-1)
                best, tokens = scores.max(-1)
                for row, token in enumerate(tokens.tolist()):
                    text = texts[row]
                    over[row] = (
                        over[row] or token == self.end or len(text) >= limits[row] or loops(text)
                    )
                    if not over[row]:
                        text.append(token)
                        sure[row].append(float(best[row]))
                if all(over):
                    return [
                        Written(tuple(text), tuple(logs))
                        for text, logs in zip(texts, sure, strict=True)
                    ]
                read = self.embedded(tokens.tolist())[:, None]
                seen = F.pad(seen, (0, 1), value=True)
                places = places[:, -1:] + 1

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens."""
        return " ".join(str(self.tokenizer.decode(list(tokens))).split())

    def precision(self) -> torch.autocast:
        """Products in bfloat16 on a GPU, and on a processor that is faster that way."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return mixed_precision(enabled=self.device.type == "cpu")
