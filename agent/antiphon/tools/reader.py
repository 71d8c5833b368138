"""Does an utterance say this, and where? The embedded language model's lower blocks, fine-tuned.

One question is asked of every text a robot announces: of a tool ("dim lights: Make the lamps less
bright"), of a parameter ("room: where the lamp is") and of an allowed value ("room: kitchen"). The
answer is a score, above 0 for yes, and for parameters the words that say it.

    utterance ─► blocks of the LLM (LoRA) ─► project ─┬─► [self, cross attention] x N ─► score, span
    text ──────► the same                 ─► project ─┴──────────▲ (once per text)
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

from antiphon.tools.blocks import Blocks

START = 1
"""SmolLM2's <|im_start|>: every text begins with it, and its state is thrown away."""


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes of a reader."""

    hidden: int
    """Width of the language model."""
    depth: int = 8
    """Blocks of the language model that read."""
    first: int = 2
    """The first block that was corrected."""
    width: int = 256
    heads: int = 4
    blocks: int = 2
    threshold: float = 0.0
    """Least score of a call; tuned on tools that were not trained on."""


@dataclass(frozen=True)
class Read:
    """Texts as the language model's blocks understand them."""

    states: torch.Tensor
    """[B, T, W]"""
    mask: torch.Tensor
    """[B, T] bool, True where there is a token."""
    pooled: torch.Tensor
    """[B, W], length 1."""


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


class Reader(nn.Module):
    """Scores pairs of utterance and text.

    Args:
        config: sizes.
        body: the language model's lower blocks, `config.depth` of them.
        tokenizer: of the language model.
    """

    def __init__(self, config: ReaderConfig, body: Blocks, tokenizer: Any) -> None:
        super().__init__()
        self.config, self.tokenizer, self.body = config, tokenizer, body
        width = config.width
        self.project = nn.Linear(2 * config.hidden, width)
        nn.init.orthogonal_(self.project.weight)
        self.weigh = nn.Linear(width, 1)
        nn.init.zeros_(self.weigh.weight)
        self.enter = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.blocks))
        self.leave = nn.LayerNorm(width)
        self.judge = nn.Sequential(nn.Linear(4 * width, width), nn.GELU(), nn.Linear(width, 1))
        self.edges = nn.Linear(width, 2)
        self.sharpness = nn.Parameter(torch.tensor(10.0))
        self.level = nn.Parameter(torch.tensor(-4.0))

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens of a text and the characters of it they stand for."""
        plain = normal(text)
        found = self.tokenizer(" " + plain, add_special_tokens=False, return_offsets_mapping=True)
        offsets = [(max(0, a - 1), b - 1) for a, b in found["offset_mapping"]]
        offsets = [(a + (plain[a:b][:1] == " "), b) for a, b in offsets]
        return found["input_ids"], offsets

    def read(self, texts: Sequence[str]) -> Read:
        """Understand texts."""
        rows = [[START, *self.tokens(text)[0]] for text in texts]
        lengths = torch.tensor([len(row) for row in rows])
        longest = int(lengths.max())
        mask = torch.arange(1, longest) < lengths[:, None]
        order = lengths.argsort()
        parts = []
        for part in order.split(32):  # neighbours in length, so that little is padded
            width = int(lengths[part].max())
            ids = torch.tensor([rows[i] + [START] * (width - len(rows[i])) for i in part.tolist()])
            wide = torch.stack(self.body(ids), 2)[:, 1:].float()
            found = self.project(F.layer_norm(wide, wide.shape[-1:]).flatten(2))
            parts.append(F.pad(found, (0, 0, 0, longest - width)))
        states = torch.cat(parts)[order.argsort()]
        weights = self.weigh(states)[..., 0].masked_fill(~mask, -torch.inf).softmax(-1)
        pooled = F.normalize((weights[..., None] * states).sum(1), dim=-1)
        return Read(states, mask, pooled)

    def compare(
        self, heard: Read, texts: Read, which: torch.Tensor, asked: torch.Tensor
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
        heard: Read,
        texts: Read,
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
        one, other = heard.pooled[which], texts.pooled[asked]
        alike = self.sharpness * (one * other).sum(-1) + self.level
        judged = self.judge(torch.cat([mean, most, 16 * one * other, 4 * (one - other).abs()], -1))
        edges = self.edges(x).float().masked_fill(~mask[..., None], -torch.inf)
        edges = F.pad(edges, (0, 0, 0, whole - mask.shape[1]), value=-torch.inf)
        return alike.float() + judged[..., 0].float(), edges

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
    def load(
        cls, path: Path, folder: Path, tokenizer: Any, table: torch.Tensor | None = None
    ) -> Reader:
        """Read what `save` wrote, corrections merged.

        Args:
            path: the file.
            folder: of the language model it was made for.
            tokenizer: of that.
            table: its embeddings, if they are loaded already.
        """
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            config = ReaderConfig(**json.loads(file.metadata()["config"]))
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        reader = cls(config, Blocks.load(folder, config.depth, table), tokenizer)
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
