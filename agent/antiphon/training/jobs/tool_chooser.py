"""Train the matcher of `antiphon.tools`: the tool an utterance asks for, if any, with parameters.

A step encodes about 64 utterances and as many tools (`tool_batches`), and compares every utterance
with every tool. "None" has the score of `Matcher.doubt` and is the target for questions, small
talk, and utterances whose tool is left out.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from antiphon.training.jobs.tool_batches import Batch, Batches
from antiphon.training.loop import Schedule, fit

FIRST_BLOCK = 2
"""First block of the encoder that has a LoRA."""
LEFT_OUT_SHARE = 0.05
"""Probability that the right tool is not among the announced ones."""
RENEWED = 50
"""Steps between re-encoding the reference utterances without a tool."""
NEIGHBOURS = 12
"""Number of most similar tools to draw from for each tool."""
MAX_FALSE_CALLS = 0.018
"""Share of false calls that the threshold allows where no tool was asked for."""


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
    drawn = Batches(data, seed)
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
def kin(reader: Matcher, drawn: Batches) -> dict[Sort, list[Sort]]:
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
