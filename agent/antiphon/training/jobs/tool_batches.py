"""Batches that teach the choice of tools: utterances as they are heard, tools as announced.

A batch has groups of similar tools. A tool is given by a description or by another utterance that
asks for it, so that descriptions are not memorized.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

from antiphon.training.corpora import tool_commands as corpus
from antiphon.training.corpora.tool_commands import Example, Sort, balanced

FAMILIES, KIN = 14, 2
"""Tools drawn per step, and similar tools added for each."""
DETAILED, ABOUT, BATCH_KINDS = 6, 8, 16
"""Utterances per step with parameters; that only mention a tool; that ask for no tool."""
MAX_CHARACTERS = 90
"""Maximum characters of an utterance; longer ones are not worth their cost."""
KNOWN = 1000
"""Reference utterances without a tool for the "none" score in training; they are not in any
batch."""
MAX_REFERENCES = 4000
"""Reference utterances without a tool in the finished matcher, including those of training."""
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


class Batches:
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
