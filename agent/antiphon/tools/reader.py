"""Does an utterance say this, and where? The embedded language model's lower blocks, fine-tuned.

Two questions are asked. Of a tool ("dim lights: Make the lamps less bright"): does the utterance
ask for it? Every token looks for the token most like it on the other side, at three depths of the
language model, and rare words count more (late interaction, as in ColBERT, arXiv 2004.12832): what
was never seen in training is still compared word by word. Of a parameter ("room: where the lamp
is") or a value ("room: kitchen"): is it said, and by which words? A small net with attention
between both says so.
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

DEPTHS = 3
"""Depths at which tokens are compared: embedded, after one block, after the last one."""
READ = ("mask", "vectors", "weights")
"""What is kept of utterances that ask for no tool."""
START = 1
"""SmolLM2's <|im_start|>: every text begins with it, and its state is thrown away."""


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes of a reader."""

    hidden: int
    """Width of the language model."""
    depth: int = 8
    """Blocks of the language model that read."""
    first: int = 4
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
    vectors: torch.Tensor
    """[B, D, T, W] of length 1, one for every depth."""
    weights: torch.Tensor
    """[B, T], how much a token counts; they add up to 1."""

    def pick(self, rows: torch.Tensor) -> Read:
        """Some of the texts."""
        return Read(self.states[rows], self.mask[rows], self.vectors[rows], self.weights[rows])

    def part(self, rows: slice) -> Read:
        """Some of the texts in a row."""
        return Read(self.states[rows], self.mask[rows], self.vectors[rows], self.weights[rows])


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

    mean: torch.Tensor
    spread: torch.Tensor
    rarity: torch.Tensor

    def __init__(self, config: ReaderConfig, body: Blocks, tokenizer: Any) -> None:
        super().__init__()
        self.config, self.tokenizer, self.body = config, tokenizer, body
        width = config.width
        self.register_buffer("mean", torch.zeros(DEPTHS, config.hidden))
        self.register_buffer("spread", torch.ones(DEPTHS, config.hidden))
        self.register_buffer("rarity", torch.ones(body.table.shape[0]))
        self.turn = nn.Parameter(torch.empty(DEPTHS, config.hidden, width))
        for turn in self.turn:
            nn.init.orthogonal_(turn)
        self.weigh = nn.Linear(config.hidden, 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)
        self.mix = nn.Parameter(torch.full((2 * DEPTHS,), 0.5))
        self.level = nn.Parameter(torch.tensor(-1.0))
        self.project = nn.Linear(DEPTHS * config.hidden, width)
        self.enter = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.blocks))
        self.others: Read | None = None
        """Utterances that ask for no tool, questions and small talk; to tell commands from."""
        self.leave = nn.LayerNorm(width)
        self.judge = nn.Linear(2 * width, 1)
        self.edges = nn.Linear(width, 2)

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
        parts, rare = [], []
        for part in order.split(32):  # neighbours in length, so that little is padded
            width = int(lengths[part].max())
            ids = torch.tensor([rows[i] + [START] * (width - len(rows[i])) for i in part.tolist()])
            seen = (torch.stack(self.body(ids), 2)[:, 1:].float() - self.mean) / self.spread
            parts.append(F.pad(seen, (0, 0, 0, 0, 0, longest - width)))
            rare.append(F.pad(self.rarity[ids[:, 1:]], (0, longest - width)))
        back = order.argsort()
        seen = torch.cat(parts)[back]
        vectors = F.normalize(torch.einsum("btdh,dhw->bdtw", seen, self.turn), dim=-1)
        counts = torch.cat(rare)[back] * self.weigh(seen[:, :, 1])[..., 0].clamp(-3, 3).exp() * mask
        weights = counts / counts.sum(1, keepdim=True)
        return Read(self.project(seen.flatten(2)), mask, vectors, weights)

    def match(self, heard: Read, texts: Read) -> torch.Tensor:
        """How well every utterance asks for every tool: [U, S], above 0 for yes."""
        found = []
        for depth in range(DEPTHS):
            alike = torch.einsum("utw,vsw->utvs", heard.vectors[:, depth], texts.vectors[:, depth])
            alike = alike.masked_fill(~heard.mask[:, :, None, None], -1.0)
            alike = alike.masked_fill(~texts.mask[None, None], -1.0)
            found.append(torch.einsum("utv,ut->uv", alike.amax(3), heard.weights))
            found.append(torch.einsum("uvs,vs->uv", alike.amax(1), texts.weights))
        return 10 * (torch.stack(found, -1) @ self.mix + self.level)

    def doubt(self, heard: Read, others: Read, same: torch.Tensor | None = None) -> torch.Tensor:
        """What a tool has to score more than: likeness to what asks for no tool, [U].

        Args:
            heard: utterances.
            others: utterances that ask for no tool.
            same: [U, O], True where both are one and the same.
        """
        alike = self.match(heard, others)
        if same is not None:
            alike = alike.masked_fill(same, -torch.inf)
        return 0.5 * alike.amax(1)

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
        if self.others is not None:
            for name in READ:
                tensor = getattr(self.others, name).contiguous()
                state[f"others.{name}"] = tensor.half() if tensor.is_floating_point() else tensor
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
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = {n: t.float() if t.is_floating_point() else t for n, t in found.items()}
        reader = cls(config, Blocks.load(folder, config.depth, table), tokenizer)
        if "others.mask" in state:
            kept = {name: state.pop(f"others.{name}") for name in READ}
            reader.others = Read(states=kept["weights"][..., None], **kept)
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
