"""Train the matcher of `antiphon.tools`: the tool an utterance asks for, if any, with parameters.

A step encodes about 64 utterances and as many tools, in groups of similar tools. A tool is given by
a description or by another utterance that asks for it, so that descriptions are not memorized.
Every utterance is compared with every tool. "None" has the score of `Matcher.doubt` and is the
target for questions, small talk, and utterances whose tool is left out.
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
from antiphon.compute.precision import mixed_precision
from antiphon.llm import lora
from antiphon.llm.sentence_encoder import SentenceEncoder, load_tokenizer
from antiphon.tools.encoder_chooser import FILE, EncoderChooserConfig
from antiphon.tools.matcher import Matcher, MatcherConfig
from antiphon.tools.tool import words_of
from antiphon.training import tool_scores
from antiphon.training.corpora import tool_commands as corpus
from antiphon.training.corpora.tool_commands import Example, Sort, balanced
from antiphon.training.loop import Schedule, fit

FAMILIES, KIN = 14, 2
"""Tools drawn per step, and similar tools added for each."""
DETAILED, ABOUT, BATCH_KINDS = 6, 8, 16
"""Utterances per step with parameters; that only mention a tool; that ask for no tool."""
MAX_CHARACTERS = 90
"""Maximum characters of an utterance; longer ones are not worth their cost."""
FIRST_BLOCK = 2
"""First block of the encoder that has a LoRA."""
LEFT_OUT_SHARE = 0.05
"""Probability that the right tool is not among the announced ones."""
KNOWN, RENEWED = 1000, 50
"""Reference utterances without a tool for the "none" score in training, and steps between
re-encoding them; they are not in any batch."""
MAX_REFERENCES = 4000
"""Reference utterances without a tool in the finished matcher, including those of training."""
NEIGHBOURS = 12
"""Number of most similar tools to draw from for each tool."""
MAX_FALSE_CALLS = 0.018
"""Share of false calls that the threshold allows where no tool was asked for."""
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
    """Inputs and targets of a step."""

    heard: list[Example]
    texts: list[str]
    sorts: list[Sort]
    """The tools described by the first texts."""
    slots: list[tuple[int, int, tuple[int, int] | None]]
    """Utterance index, parameter text index, character span (None if not said)."""
    values: list[tuple[int, list[int], int]]
    """Utterance index, text indices of a parameter's values, the right option (-1 if none)."""


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
            if example.sort and len(example.text) <= MAX_CHARACTERS:
                self.by[example.sort].append(example)
        self.detailed = [
            found for rows in self.by.values() if len(found := [e for e in rows if e.spans]) > 9
        ]
        self.about = corpus.nots("train")
        found = [e for e in corpus.others(data, "train") if len(e.text) <= MAX_CHARACTERS]
        calm = [e for e in found if e.kind != "out of scope" and len(e.text) <= 60]
        self.kept = balanced(calm, MAX_REFERENCES)
        self.known = self.kept[:KNOWN]
        kinds = sorted({e.kind for e in found})
        found = list(set(found) - set(self.known))
        found.sort(key=lambda e: e.text)
        self.others = {kind: [e for e in found if e.kind == kind] for kind in kinds}
        self.slots: dict[Sort, list[str]] = {
            s: sorted({name for e in examples for name in e.spans})
            for s, examples in self.by.items()
        }
        self.kin: dict[Sort, list[Sort]] = {}
        """The most similar tools of each, as hard negatives; a missing tool draws from all."""

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        rng = random.Random(f"{self.seed} {step}")
        spoken = [s for s in self.sorts if s.sources]
        drawn = rng.sample(spoken, FAMILIES // 2) + rng.sample(self.sorts, FAMILIES // 2)
        sorts = list(dict.fromkeys(k for s in drawn for k in (s, *self._kin(s, rng))))
        heard = [rng.choice(self.by[s]) for s in sorts]
        heard += [rng.choice(rng.choice(self.detailed)) for _ in range(DETAILED)]
        near = [e for e in self.about if e.about in sorts]
        heard += rng.sample(near, min(len(near), ABOUT))
        for kind, share in zip(self.others, (0.4, 0.1, 0.35, 0.15), strict=True):
            count = round(BATCH_KINDS * share)
            heard += [rng.choice(self.others[kind]) for _ in range(count)]
        heard = [disturb(e, rng) for e in heard]
        sorts = list(dict.fromkeys([*sorts, *(e.sort for e in heard if e.sort)]))
        batch = Batch(heard, [self.announce(s, rng) for s in sorts], sorts, [], [])
        for row, example in enumerate(heard):
            if example.sort:
                self._ask(batch, row, example, example.sort, rng)
        return batch

    def _kin(self, sort: Sort, rng: random.Random) -> list[Sort]:
        kin = self.kin.get(sort, self.sorts)
        return rng.sample(kin, KIN)

    def announce(self, sort: Sort, rng: random.Random) -> str:
        """A random text for a tool, as a robot might announce it."""
        name, says = sort.name.replace("_", " "), rng.choice(sort.says)
        luck = rng.random()
        if luck < 0.2:
            return rng.choice(self.by[sort]).text  # for more variety
        if luck < 0.3:
            says = " ".join(rng.sample(sort.says, 2))
        if luck > 0.7:
            says = " ".join(w for w in says.split() if rng.random() > 0.15) or says
        return says if rng.random() < 0.25 else f"{name}: {says}"

    def _ask(self, batch: Batch, row: int, e: Example, sort: Sort, rng: random.Random) -> None:
        """Add queries for the parameters of an utterance to the batch."""
        names = self.slots[sort]
        said, unsaid = [n for n in names if n in e.spans], [n for n in names if n not in e.spans]
        chosen = rng.sample(said, min(2, len(said))) + rng.sample(unsaid, min(1, len(unsaid)))
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
    """Add random openings and recognition errors to an utterance; words in spans are kept."""
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
    """Delete, double or replace a random letter of a word."""
    at = rng.randrange(len(word))
    return word[:at] + rng.choice(("", word[at] * 2, rng.choice("aeiourstnl"))) + word[at + 1 :]


def losses(reader: Matcher, batch: Batch, rng: random.Random) -> dict[str, torch.Tensor]:
    """Losses of a step: tool choice, contrast, and parameters."""
    read = reader.read([*(e.text for e in batch.heard), *batch.texts])
    count, tools = len(batch.heard), len(batch.sorts)
    heard, texts = read.part(slice(0, count)), read.part(slice(count, None))
    scores = reader.match(heard, texts.part(slice(0, tools)))
    place = {sort: i for i, sort in enumerate(batch.sorts)}
    right = torch.tensor([place[e.sort] if e.sort else -1 for e in batch.heard])
    overlap = torch.tensor(
        [[bool(e.sort and e.sort.overlaps(s)) for s in batch.sorts] for e in batch.heard]
    )
    own = F.one_hot(right.clamp(min=0), tools).bool() & (right >= 0)[:, None]
    given = torch.tensor([rng.random() >= LEFT_OUT_SHARE for _ in batch.heard]) & (right >= 0)
    absent = torch.tensor([[rng.random() < share for _ in batch.sorts] for share in
                           (rng.random() * 0.9 for _ in batch.heard)])  # fmt: skip
    unasked = (overlap | absent) & ~(own & given[:, None])
    odds = torch.cat([reader.doubt(heard)[:, None], scores.masked_fill(unasked, -torch.inf)], 1)
    choice = F.cross_entropy(odds, torch.where(given, right + 1, 0))
    asked = own.any(0)
    rivals = scores.masked_fill(overlap & ~own, -torch.inf)
    by_tool = (rivals[:, asked].log_softmax(0) * own[:, asked]).nan_to_num(neginf=0.0).sum(0)
    contrast = F.cross_entropy(rivals[right >= 0], right[right >= 0])
    contrast = contrast - (by_tool / own[:, asked].sum(0)).mean()

    which = [row for row, options, _ in batch.values for _ in options]
    which += [row for row, _, _ in batch.slots]
    what = [text for _, options, _ in batch.values for text in options]
    values_asked = len(what)
    what += [text for _, text, _ in batch.slots]
    with mixed_precision():
        found, edges = reader.compare(heard, texts, torch.tensor(which), torch.tensor(what))
    groups = [(len(options), answer) for _, options, answer in batch.values]
    values = decisions(found[:values_asked], groups)
    said = torch.tensor([float(span is not None) for _, _, span in batch.slots])
    presence = F.binary_cross_entropy_with_logits(found[values_asked:], said)
    ends = spans(reader, batch, edges[values_asked:])
    return {
        "loss": choice + 0.3 * contrast + 0.3 * values + 0.5 * (presence + ends),
        "choice": choice, "contrast": contrast, "values": values,
        "presence": presence, "spans": ends,
    }  # fmt: skip


def decisions(scores: torch.Tensor, groups: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Mean cross entropy over groups (size, right option); "none" (-1) has score 0."""
    if not groups:
        return scores.new_zeros(())
    found = []
    for part, (_, right) in zip(scores.split([n for n, _ in groups]), groups, strict=True):
        odds = torch.cat([part.new_zeros(1), part])
        found.append(F.cross_entropy(odds, torch.tensor(right + 1)))
    return torch.stack(found).mean()


def spans(reader: Matcher, batch: Batch, edges: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of the first and last token of each span."""
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
    """Train, tune the threshold, and write `reader.safetensors`.

    Args:
        data: folder of the open collections.
        work: folder of the run.
        out: folder of the finished weights.
        steps: of the whole run.
        minutes: time limit.
        seed: of weights and batches.
        rank: of the encoder's LoRA.
        lr: peak learning rate.
    """
    torch.manual_seed(seed)
    config = weights.read_config(weights.assets("tools"), EncoderChooserConfig)
    folder = weights.path(config.encoder)
    reader = Matcher(MatcherConfig(), SentenceEncoder.load(folder), load_tokenizer(folder))
    drawn = Corpus(data, seed)
    drawn.kin = kin(reader, drawn)
    lora.attach(reader.body, rank, float(rank), first=FIRST_BLOCK)
    reader.others = torch.zeros(len(drawn.known), reader.body.width)

    def step_losses(step: int) -> Mapping[str, torch.Tensor]:
        if step % RENEWED == 0:
            renew(reader, drawn.known)
        return losses(reader, drawn.batch(step), random.Random(f"{seed} {step} rivals"))

    schedule = Schedule(steps=steps, lr=lr, warmup=30)
    fit(reader, step_losses, schedule, work, minutes=minutes, seed=seed, save_every=50)
    renew(reader.eval(), drawn.kept)
    reader.config = replace(reader.config, threshold=tuned(reader, data))
    out.mkdir(parents=True, exist_ok=True)
    reader.save(out / FILE)
    facts = json.loads((weights.assets("tools") / "config.json").read_text("utf-8"))
    facts.pop("judges", None)  # fitted for the encoder before: `antiphon train tools --llm NAME`
    (out / "config.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


@torch.no_grad()
def renew(reader: Matcher, known: Sequence[Example]) -> None:
    """Re-encode the reference utterances without a tool with the current weights."""
    reader.others = reader.read([e.text for e in known]).whole


@torch.no_grad()
def kin(reader: Matcher, drawn: Corpus) -> dict[Sort, list[Sort]]:
    """For each tool, the nearest tools in the encoder that do not overlap with it."""
    texts = [f"{words_of(s.name)}: {says}" for s in drawn.sorts for says in s.says]
    owner = torch.tensor([i for i, s in enumerate(drawn.sorts) for _ in s.says])
    total = torch.zeros(len(drawn.sorts), reader.body.width)
    mean = F.normalize(total.index_add(0, owner, reader.read(texts).whole), dim=-1)
    order = (mean @ mean.T).argsort(1, descending=True).tolist()
    return {
        sort: [drawn.sorts[i] for i in row if not drawn.sorts[i].overlaps(sort)][:NEIGHBOURS]
        for sort, row in zip(drawn.sorts, order, strict=True)
    }


def tuned(reader: Matcher, data: Path, false: float = MAX_FALSE_CALLS) -> float:
    """The threshold, tuned on tools, questions and dialogues from neither training nor test."""
    sorts = [s for s in corpus.sorts() if s.split == "tune"]
    unasked = [*balanced(corpus.others(data, "tune"), 800), *corpus.nots("tune")]
    return tool_scores.threshold_for(tool_scores.score(reader, unasked, sorts), false)
