"""Trains the reader of `antiphon.tools`: which tool an utterance asks for, or none, and with what.

A step reads 64 utterances and as many tool descriptions. Every utterance is compared with its own
tool and with those that look most like it; the score of "none" is 0. An utterance whose tool is
left out must be answered with none, like a question or small talk.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional as F

from antiphon import weights
from antiphon.s2t import lora
from antiphon.s2t.tokenizer import load_tokenizer
from antiphon.tools.blocks import Blocks
from antiphon.tools.chooser import FILE, LLM
from antiphon.tools.reader import Read, Reader, ReaderConfig
from antiphon.training import tools_corpus as corpus
from antiphon.training import tools_score
from antiphon.training.loop import Schedule, fit
from antiphon.training.tools_corpus import Example, Sort, balanced

COMMANDS, DETAILED, ABOUT, OTHERS = 34, 8, 6, 16
"""Utterances of a step: one a tool; with parameters; speaking of a tool; anything else."""
EXTRA = 24
"""Descriptions of tools nobody asks for."""
RIVALS, STRANGERS = 5, 1
"""Wrong tools an utterance is compared with: the most similar ones, and any."""
LONGEST = 90
"""Characters of an utterance; longer ones cost more than they teach."""
LEFT_OUT = 0.25
"""How often the right tool is not among those announced."""
FALSE = 0.01
"""Calls where none was asked for that the threshold allows, with 20 tools announced."""
MISHEARD = {
    "for": "four", "four": "for", "to": "two", "two": "to", "too": "to", "there": "their",
    "their": "there", "right": "write", "write": "right", "hear": "here", "here": "hear",
    "by": "buy", "buy": "by", "know": "no", "week": "weak", "our": "are", "are": "our",
    "weather": "whether", "mail": "male", "light": "like", "lights": "like", "turn": "torn",
    "set": "said", "off": "of", "read": "red", "red": "read", "play": "pray", "call": "car",
    "add": "at", "list": "least", "my": "me", "me": "my", "what's": "what is", "the": "a",
    "a": "the", "in": "and", "card": "car", "is": "as", "and": "in", "robot": "robert",
}  # fmt: skip
OPENINGS = (
    "please", "can you", "could you", "could you please", "hey robot", "robot", "hey", "okay",
    "I want you to", "I'd like you to", "would you", "now", "um", "so", "go ahead and", "hi",
)  # fmt: skip


@dataclass
class Batch:
    """What a step compares."""

    heard: list[Example]
    texts: list[str]
    sorts: list[Sort]
    """Of the first texts, the tools."""
    slots: list[tuple[int, int, tuple[int, int] | None]]
    """Utterance, text of a parameter, characters that say it (None: unsaid)."""
    values: list[tuple[int, list[int], int]]
    """Utterance, texts of a parameter's values, the right one (-1: none)."""


class Corpus:
    """Draws batches by step number.

    Args:
        data: folder of the open collections.
        seed: of the draw.
    """

    def __init__(self, data: Path, seed: int) -> None:
        self.seed = seed
        self.sorts = [s for s in corpus.sorts() if s.split == "train"]
        self.by: dict[Sort, list[Example]] = {s: [] for s in self.sorts}
        for example in corpus.commands(data, "train", seed):
            if example.sort and len(example.text) <= LONGEST:
                self.by[example.sort].append(example)
        self.detailed = [
            found for rows in self.by.values() if len(found := [e for e in rows if e.spans]) > 9
        ]
        self.about = corpus.nots("train")
        found = [e for e in corpus.others(data, "train") if len(e.text) <= LONGEST]
        kinds = sorted({e.kind for e in found})
        self.others = {kind: [e for e in found if e.kind == kind] for kind in kinds}
        self.slots: dict[Sort, list[str]] = {
            s: sorted({name for e in examples for name in e.spans})
            for s, examples in self.by.items()
        }

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        rng = random.Random(f"{self.seed} {step}")
        heard = [rng.choice(self.by[s]) for s in rng.sample(self.sorts, COMMANDS)]
        heard += [rng.choice(rng.choice(self.detailed)) for _ in range(DETAILED)]
        heard += rng.sample(self.about, ABOUT)
        for kind, share in zip(self.others, (0.4, 0.1, 0.35, 0.15), strict=True):
            count = round(OTHERS * share)
            heard += [rng.choice(self.others[kind]) for _ in range(count)]
        heard = [disturb(e, rng) for e in heard]
        sorts = list(dict.fromkeys(e.sort for e in heard if e.sort))
        rest = [s for s in self.sorts if s not in sorts]
        sorts += rng.sample(rest, EXTRA)
        batch = Batch(heard, [self.announce(s, rng) for s in sorts], sorts, [], [])
        for row, example in enumerate(heard):
            if example.sort:
                self._ask(batch, row, example, example.sort, rng)
        return batch

    def announce(self, sort: Sort, rng: random.Random) -> str:
        """A tool as some robot might announce it."""
        name, says = sort.name.replace("_", " "), rng.choice(sort.says)
        luck = rng.random()
        if luck < 0.1:
            return rng.choice(self.by[sort]).text
        if luck < 0.2:
            return f"{name}: {' '.join(rng.sample(sort.says, 2))}"
        return says if luck < 0.45 else f"{name}: {says}"

    def _ask(self, batch: Batch, row: int, e: Example, sort: Sort, rng: random.Random) -> None:
        """Add questions after the parameters of an utterance."""
        names = self.slots[sort]
        said, unsaid = [n for n in names if n in e.spans], [n for n in names if n not in e.spans]
        chosen = rng.sample(said, min(3, len(said))) + rng.sample(unsaid, min(2, len(unsaid)))
        for name in chosen:
            facts = sort.parameters.get(name)
            about = (
                facts["description"] if facts else rng.choice(corpus.slot_names().get(name, [""]))
            )
            label = name.replace("_", " ")
            batch.slots.append((row, len(batch.texts), e.spans.get(name)))
            batch.texts.append(f"{label}: {about}" if about else label)
            if facts and "enum" in facts:
                options = rng.sample(facts["enum"], min(4, len(facts["enum"])))
                span = e.spans.get(name)
                value = e.text[slice(*span)] if span else None
                if value and value not in options:
                    options[0] = value
                first = len(batch.texts)
                batch.texts += [f"{label}: {option}" for option in options]
                right = options.index(value) if value else -1
                batch.values.append((row, list(range(first, len(batch.texts))), right))


def disturb(example: Example, rng: random.Random) -> Example:
    """An utterance as people begin it and as a recognizer may mishear it; spans keep words."""
    if rng.random() < 0.4:
        return example
    words = [(m.start(), m.group()) for m in re.finditer(r"\S+", example.text)]
    inside = [any(a <= at < b for a, b in example.spans.values()) for at, _ in words]
    new, moved = "", {}
    if example.sort and not example.text.lower().startswith(("what", "how", "who", "is", "are")):
        if rng.random() < 0.4:
            new = rng.choice(OPENINGS) + " "
    elif rng.random() < 0.15:
        new = rng.choice(("so", "hey", "um", "tell me", "well", "okay")) + " "
    for (at, word), kept in zip(words, inside, strict=True):
        moved[at] = len(new)
        if not kept and rng.random() < 0.06:
            bare = word.lower().strip(",.?!")
            slip = scrambled(word, rng) if rng.random() < 0.3 else word
            word = MISHEARD.get(bare, "" if len(bare) < 4 else slip)
        new += word + " " if word else ""
    spans = {}
    for name, (a, b) in example.spans.items():
        if a in moved:
            spans[name] = (moved[a], moved[a] + b - a)
    text = new.strip()
    if rng.random() < 0.3:
        text += rng.choice((" please", ".", "?", " now", " thanks"))
    return Example(text, example.sort, spans, example.kind)


def scrambled(word: str, rng: random.Random) -> str:
    """A word with a letter lost, doubled or changed."""
    at = rng.randrange(len(word))
    return word[:at] + rng.choice(("", word[at] * 2, rng.choice("aeiourstnl"))) + word[at + 1 :]


def losses(reader: Reader, batch: Batch, rng: random.Random) -> dict[str, torch.Tensor]:
    """What a step minimizes: choice, likeness, and parameters."""
    read = reader.read([*(e.text for e in batch.heard), *batch.texts])
    count = len(batch.heard)
    heard = Read(read.states[:count], read.mask[:count], read.pooled[:count])
    texts = Read(read.states[count:], read.mask[count:], read.pooled[count:])
    tools = len(batch.sorts)
    place = {sort: i for i, sort in enumerate(batch.sorts)}
    alike = reader.sharpness * (heard.pooled @ texts.pooled[:tools].T)
    overlap = torch.tensor(
        [[bool(e.sort and e.sort.overlaps(s)) for s in batch.sorts] for e in batch.heard]
    )
    right = torch.tensor([place[e.sort] if e.sort else -1 for e in batch.heard])
    asking = right >= 0
    own = F.one_hot(right.clamp(min=0), tools).bool() & asking[:, None]
    contrast = F.cross_entropy(alike.masked_fill(overlap & ~own, -torch.inf)[asking], right[asking])
    rivals = alike.detach().masked_fill(overlap, -torch.inf).topk(RIVALS).indices.tolist()
    which: list[int] = []
    asked: list[int] = []
    groups: list[tuple[int, int]] = []
    for row, example in enumerate(batch.heard):
        chosen = list(rivals[row])
        for stranger in rng.sample(range(tools), STRANGERS):
            if not overlap[row, stranger] and stranger not in chosen:
                chosen.append(stranger)
        given = bool(example.sort) and rng.random() >= LEFT_OUT
        chosen = [int(right[row]), *chosen] if given else chosen
        groups.append((len(chosen), 0 if given else -1))
        which += [row] * len(chosen)
        asked += chosen
    for row, options, answer in batch.values:
        groups.append((len(options), answer))
        which += [row] * len(options)
        asked += options
    chosen_pairs = len(which)
    which += [row for row, _, _ in batch.slots]
    asked += [text for _, text, _ in batch.slots]
    with torch.autocast("cpu", torch.bfloat16):
        scores, edges = reader.compare(heard, texts, torch.tensor(which), torch.tensor(asked))
    decided = decisions(scores[:chosen_pairs], groups)
    choice = decided[:count].mean()
    values = decided[count:].mean() if batch.values else choice.new_zeros(())
    said = torch.tensor([float(span is not None) for _, _, span in batch.slots])
    presence = F.binary_cross_entropy_with_logits(scores[chosen_pairs:], said)
    ends = spans(reader, batch, edges[chosen_pairs:])
    total = choice + 0.5 * contrast + 0.3 * values + 0.5 * presence + 0.5 * ends
    return {
        "loss": total, "choice": choice, "contrast": contrast, "values": values,
        "presence": presence, "spans": ends,
    }  # fmt: skip


def decisions(scores: torch.Tensor, groups: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Cross entropy [G] of choosing in every group, where "none" scores 0."""
    found = []
    for part, (_, right) in zip(scores.split([n for n, _ in groups]), groups, strict=True):
        odds = torch.cat([part.new_zeros(1), part])
        found.append(F.cross_entropy(odds, torch.tensor(right + 1)))
    return torch.stack(found)


def spans(reader: Reader, batch: Batch, edges: torch.Tensor) -> torch.Tensor:
    """Cross entropy of first and last token of what was said."""
    found = []
    for row, (utterance, _, span) in enumerate(batch.slots):
        if span is None:
            continue
        offsets = reader.tokens(batch.heard[utterance].text)[1]
        first = next((i for i, (_, b) in enumerate(offsets) if b > span[0]), None)
        last = next((i for i, (_, b) in enumerate(offsets) if b >= span[1]), len(offsets) - 1)
        if first is not None and first <= last:
            wanted = torch.tensor([first, last])
            found.append(F.cross_entropy(edges[row].T, wanted))
    return torch.stack(found).mean() if found else edges.new_zeros(())


def train(
    data: Path,
    work: Path,
    out: Path,
    *,
    steps: int,
    minutes: float | None,
    seed: int,
    rank: int = 16,
    lr: float = 6e-4,
) -> None:
    """Train, choose the threshold, and write `reader.safetensors`.

    Args:
        data: folder of the open collections.
        work: folder of the run.
        out: folder of the finished weights.
        steps: optimizer steps of the whole run.
        minutes: longest run.
        seed: of weights and batches.
        rank: of the corrections of the language model's blocks.
        lr: peak learning rate.
    """
    torch.manual_seed(seed)
    folder = weights.path(LLM)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    sizes = ReaderConfig(config["hidden_size"])
    reader = Reader(sizes, Blocks.load(folder, sizes.depth), load_tokenizer(folder))
    lora.attach(reader.body, rank, 2.0 * rank, first=sizes.first)
    drawn = Corpus(data, seed)

    def step_losses(step: int) -> Mapping[str, torch.Tensor]:
        return losses(reader, drawn.batch(step), random.Random(f"{seed} {step} rivals"))

    schedule = Schedule(steps=steps, lr=lr, warmup=30)
    fit(reader, step_losses, schedule, work, minutes=minutes, seed=seed, save_every=20)
    reader.eval().config = replace(sizes, threshold=tuned(reader, data))
    out.mkdir(parents=True, exist_ok=True)
    reader.save(out / FILE)


def tuned(reader: Reader, data: Path, false: float = FALSE) -> float:
    """The threshold, by tools, questions and dialogues that were neither trained on nor tested."""
    sorts = [s for s in corpus.sorts() if s.split == "tune"]
    unasked = [*balanced(corpus.others(data, "tune"), 1500), *corpus.nots("tune")]
    return tools_score.threshold_for(tools_score.score(reader, unasked, sorts), false)
