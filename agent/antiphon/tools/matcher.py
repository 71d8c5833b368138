"""Matches utterances with tools and values: a fine-tuned sentence encoder, a small net on top.

Two questions are asked. Of a tool ("dim lights: Make the lamps less bright"): does the utterance
ask for it? Both are vectors of the encoder (all-MiniLM-L6-v2), and so are thousands of utterances
that ask for no tool; the tool has to be more like it. Of a parameter ("room: where the lamp is")
or a value ("room: kitchen"): is it said, and by which words? A net with attention from one's
tokens to the other's says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.llm.sentence_encoder import MAX_TOKENS, SentenceEncoder, load_tokenizer

BEGIN, END, UNKNOWN = 101, 102, 100
"""BERT's [CLS], [SEP] and [UNK]."""


@dataclass(frozen=True)
class MatcherConfig:
    """Sizes of a reader."""

    width: int = 256
    heads: int = 4
    blocks: int = 2
    threshold: float = 0.0
    """Least score of a call; tuned on tools that were not trained on."""


@dataclass(frozen=True)
class EncodedText:
    """Texts as the encoder understands them."""

    states: torch.Tensor
    """[B, T, W] of the tokens."""
    mask: torch.Tensor
    """[B, T] bool, True where there is a token."""
    whole: torch.Tensor
    """[B, H] of length 1, of the whole text."""

    def part(self, rows: slice) -> EncodedText:
        """Some of the texts in a row."""
        return EncodedText(self.states[rows], self.mask[rows], self.whole[rows])


class Block(nn.Module):
    """Self-attention, attention to a text, and a feed-forward net; pre-norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_in, self.self_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.ask, self.cross_out = nn.Linear(width, width), nn.Linear(width, width)
        self.offer = nn.Linear(width, 2 * width)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def attend(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Attention of [P, T, W] to [P, S, W] under a key mask [P, S]."""
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        return out.transpose(1, 2).flatten(2)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, offered: torch.Tensor, text_mask: torch.Tensor
    ) -> torch.Tensor:
        """One step of [P, T, W]; `offered` [P, S, 2 W] are the text's keys and values."""
        q, k, v = self.self_in(self.norms[0](x)).chunk(3, -1)
        x = x + self.self_out(self.attend(q, k, v, mask))
        keys, values = offered.chunk(2, -1)
        x = x + self.cross_out(self.attend(self.ask(self.norms[1](x)), keys, values, text_mask))
        out: torch.Tensor = x + self.feed(self.norms[2](x))
        return out


class Matcher(nn.Module):
    """Scores pairs of utterance and text.

    Args:
        config: sizes.
        body: the encoder.
        tokenizer: the encoder's, of the library `tokenizers`.
    """

    others: torch.Tensor

    def __init__(self, config: MatcherConfig, body: SentenceEncoder, tokenizer: Any) -> None:
        super().__init__()
        self.config, self.tokenizer, self.body = config, tokenizer, body
        width = config.width
        # [O, H], utterances that ask for no tool, questions and small talk; to tell commands from.
        self.register_buffer("others", torch.zeros(0, body.width))
        self.sharpness = nn.Parameter(torch.tensor(3.0))
        self.level = nn.Parameter(torch.tensor(-4.0))
        self.caution = nn.Parameter(torch.tensor(0.5))
        self.chat = nn.Linear(body.width, 1)
        nn.init.zeros_(self.chat.weight)
        nn.init.zeros_(self.chat.bias)
        self.project = nn.Linear(body.width, width)
        self.enter = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.blocks))
        self.leave = nn.LayerNorm(width)
        self.judge = nn.Linear(2 * width, 1)
        self.edges = nn.Linear(width, 2)

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens of a text, at least one, and the characters of it they stand for."""
        found = self.tokenizer.encode(normal(text), add_special_tokens=False)
        return found.ids[:MAX_TOKENS] or [UNKNOWN], found.offsets[:MAX_TOKENS] or [(0, 0)]

    def read(self, texts: Sequence[str]) -> EncodedText:
        """Understand texts."""
        rows = [[BEGIN, *self.tokens(text)[0], END] for text in texts]
        lengths = torch.tensor([len(row) for row in rows])
        longest = int(lengths.max())
        order = lengths.argsort()
        states, whole = [], []
        for part in order.split(32):  # neighbours in length, so that little is padded
            width = int(lengths[part].max())
            ids = torch.tensor([rows[i] + [0] * (width - len(rows[i])) for i in part.tolist()])
            there = torch.arange(width) < lengths[part, None]
            seen = self.body(ids, there).float()
            mean = (seen * there[..., None]).sum(1) / lengths[part, None]
            whole.append(F.normalize(mean, dim=-1))
            states.append(F.pad(self.project(seen[:, 1:-1]), (0, 0, 0, longest - width)))
        back = order.argsort()
        mask = torch.arange(1, longest - 1) < lengths[:, None] - 1
        return EncodedText(torch.cat(states)[back], mask, torch.cat(whole)[back])

    def match(self, heard: EncodedText, texts: EncodedText) -> torch.Tensor:
        """How alike every utterance and every tool are: [U, S]."""
        return self.sharpness.exp() * (heard.whole @ texts.whole.T) + self.level

    def doubt(self, heard: EncodedText) -> torch.Tensor:
        """What a tool has to score more than: likeness to what asks for no tool, [U]."""
        alike = (heard.whole @ self.others.T).amax(1)
        none: torch.Tensor = self.chat(heard.whole)[:, 0]
        return self.caution * self.sharpness.exp() * alike + self.level + none

    def score(self, heard: EncodedText, texts: EncodedText) -> torch.Tensor:
        """Scores [U, S] of every tool for every utterance; above 0: rather this tool than none."""
        return self.match(heard, texts) - self.doubt(heard)[:, None]

    def compare(
        self, heard: EncodedText, texts: EncodedText, which: torch.Tensor, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Judge P pairs.

        Args:
            heard: utterances.
            texts: what is asked of them.
            which: [P] rows of `heard`.
            asked: [P] rows of `texts`.

        Returns:
            Scores [P], above 0 for yes; and log-odds [P, T, 2] of a token to be first and last.
        """
        order = heard.mask.sum(1)[which].argsort()
        entered = self.enter(texts.states)
        offered = [block.offer(entered) for block in self.blocks]  # type: ignore[operator]
        found = [
            self._compare(heard, texts, offered, which[part], asked[part])
            for part in order.split(128)  # neighbours in length, so that little is padded
        ]
        back = order.argsort()
        return torch.cat([s for s, _ in found])[back], torch.cat([e for _, e in found])[back]

    def _compare(
        self,
        heard: EncodedText,
        texts: EncodedText,
        offered: Sequence[torch.Tensor],
        which: torch.Tensor,
        asked: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        mask, text_mask = heard.mask[which], texts.mask[asked]
        whole = mask.shape[1]
        mask = mask[:, : int(mask.sum(1).max())]
        x = self.enter(heard.states[:, : mask.shape[1]])[which]
        for block, offer in zip(self.blocks, offered, strict=True):
            x = block(x, mask, offer[asked], text_mask)
        x = self.leave(x)
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        most = x.masked_fill(~mask[..., None], -torch.inf).amax(1)
        judged = self.judge(torch.cat([mean, most], -1))[..., 0].float()
        edges = self.edges(x).float().masked_fill(~mask[..., None], -torch.inf)
        edges = F.pad(edges, (0, 0, 0, whole - mask.shape[1]), value=-torch.inf)
        return judged, edges

    def save(self, path: Path) -> None:
        """Write what was learned as float16."""
        from safetensors.torch import save_file

        state = {
            name: value.detach().half().contiguous()
            for name, value in self.state_dict().items()
            if not name.startswith("body.")
        }
        for name, module in self.body.named_modules():
            if hasattr(module, "down") and hasattr(module, "up"):
                state[f"body.{name}.down"] = module.down.detach().half().contiguous()
                state[f"body.{name}.up"] = (module.scale * module.up.detach()).half().contiguous()
        part = path.with_suffix(".part")
        save_file(state, part, {"config": json.dumps(asdict(self.config))})
        part.replace(path)

    @classmethod
    def load(cls, path: Path, folder: Path) -> Matcher:
        """Read what `save` wrote, corrections merged.

        Args:
            path: the file.
            folder: of the encoder it was made for.
        """
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            config = MatcherConfig(**json.loads(file.metadata()["config"]))
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        reader = cls(config, SentenceEncoder.load(folder), load_tokenizer(folder))
        reader.others = state.pop("others")
        own = {name: value for name, value in state.items() if not name.startswith("body.")}
        reader.load_state_dict(own, strict=False)
        with torch.no_grad():
            for name in state:
                if name.endswith(".down"):
                    layer = name.removesuffix(".down")
                    weight = reader.get_parameter(f"{layer}.weight")
                    change = state[f"{layer}.up"] @ state[name]
                    weight.copy_((weight.float() + change).to(weight.dtype))
        return reader.eval().requires_grad_(False)


def normal(text: str) -> str:
    """A text without capitals and closing marks, every character where it was."""
    lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.rstrip(" .?!\n")
