"""Train Drax: first its middle by CTC, then the decoder on the tri-mixture path.

The decoder starts as Whisper's (`antiphon.training.drax_warm_start`). Its loss is the paper's
cross-entropy (Navon et al., arXiv 2510.04162, eq. 5, 8 and 9). With `joint` the middle learns
along, as there, by cross-entropy and CTC; else it stays as CTC left it, and what it hears in every
clip is computed once. So more can be learnt in the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.checkpoint import DraxModel, save
from antiphon.recognition.drax.middle import ctc_loss
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.recognizer import averaged, canvas_for, paired
from antiphon.recognition.drax.sampler import sample
from antiphon.recognition.drax.vocabulary import SubVocabulary, common, plain
from antiphon.recognition.whisper.text_decoder import TextDecoder
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora import recognition
from antiphon.training.corpora.recognition import Clip, RecognitionCorpus
from antiphon.training.drax_warm_start import warm_start

WHISPER = "whisper-tiny.en"
VOCABULARY = "vocabulary.json"
"""Which of Whisper's tokens the model has, beside the corpus."""
BATCH = 24
LEAST = 6
"""How often a token of Whisper's occurs in the texts, to be one of the model's."""
OTHERS = 1024
"""Tokens beside a batch's own that CTC tells them from; each stands for many."""
FILLING = 0.1
"""Weight of the end marks that fill the canvas behind the first."""
KEPT = 0.3
"""Share of clips of which a true prefix is kept, so that drafts can go on from one."""
SILENT = 0.05
"""Share of clips whose audio is dropped (classifier-free guidance)."""
LIKELY = 4
"""Labels of a position that are remembered of a middle that does not learn."""
UNSURE, SLIPPED = 0.1, 0.05
"""Share of positions at which what is heard is hidden, and of clips whose places are one too far
or too near from somewhere on: the middle knows the clips that it learnt from too well."""
DEAF = 0.2
"""Dropout of the middle when it hears those clips, for the same reason."""
HIDDEN = 0.12
"""Share of frames that are hidden from a model that learns, in runs of `RUN`."""
RUN = 6
CTC = 1.0
"""Weight of the middle's CTC while both learn."""
MIDDLE_RATE, DECODER_RATE = 1e-3, 3e-4
"""Peak learning rates of the stages."""
AVERAGE = 0.998
"""How much of the average of the decoder's weights a step leaves."""
EVALUATED = 76
"""Held-out clips that are transcribed to watch the training."""


@dataclass(frozen=True)
class Hint:
    """What the middle hears in a clip, if it does not learn along."""

    places: torch.Tensor
    """[S] see `Guess.places`."""
    said: torch.Tensor
    """[L, width] see `Guess.said`."""
    likely: torch.Tensor
    """[L, LIKELY] labels at positions; the end mark behind the last."""
    chances: torch.Tensor
    """[L, LIKELY] how likely they are."""


@dataclass(frozen=True)
class Row:
    """A clip of the corpus."""

    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    ids: list[int]
    hint: Hint | None = None


@dataclass(frozen=True)
class Batch:
    """Clips of about the same length."""

    audio: torch.Tensor
    """[B, S, 768] pairs of states."""
    lengths: torch.Tensor
    """[B] pairs that are real."""
    text: torch.Tensor
    """[B, L] tokens, end marks behind."""
    counts: torch.Tensor
    """[B] tokens of text."""
    hint: Hint | None = None
    """Of all clips, with a first dimension."""

    @property
    def heard(self) -> torch.Tensor:
        """[B, S] True where there is audio."""
        places = torch.arange(self.audio.shape[1])
        return places[None] < self.lengths[:, None]


class Batches:
    """Draws batches by step number.

    Args:
        clips: of the corpus; those whose text cannot fit are left out.
        vocabulary: of the model.
        end: its end mark.
        longest: positions of the canvas at most.
    """

    def __init__(
        self, clips: Sequence[Clip], vocabulary: SubVocabulary, end: int, longest: int
    ) -> None:
        self.end, self.longest = end, longest
        rows = [Row(clip.frames, vocabulary.encode(clip.text)) for clip in clips]
        rows = [
            row
            for row in rows
            if row.ids and len(row.ids) < longest and len(row.frames) // 2 > 1.1 * len(row.ids)
        ]
        self.rows = sorted(rows, key=lambda row: len(row.frames))
        if not self.rows:
            raise UserError("The corpus has no clips: make it first (antiphon train drax).")

    def listen(self, model: DraxModel, file: Path) -> None:
        """Remember what the middle hears in every clip, in a file, too."""
        hints = torch.load(file, weights_only=True) if file.exists() else []
        if len(hints) != len(self.rows):
            hints = list(self._heard(model))
            torch.save(hints, file)
        self.rows = [
            Row(row.frames, row.ids, Hint(*hint))
            for row, hint in zip(self.rows, hints, strict=True)
        ]

    @torch.no_grad()
    def _heard(self, model: DraxModel) -> Iterator[tuple[torch.Tensor, ...]]:
        """Fields of the hint of each clip, whose positions are those of its text.

        What a middle that counts one too few says behind it stands for other positions. Learning
        from that, a decoder would write words twice: it cannot know where one is missing.
        """
        torch.manual_seed(0)
        for module in model.middle.modules():
            if isinstance(module, nn.Dropout):
                module.p = DEAF
        model.middle.train()
        for row in tqdm(self.rows, desc="hints", unit="clip"):
            audio = paired(row.frames.float())[None]
            guess = model.middle.aligned(audio, row.ids) or model.middle(audio)
            canvas = canvas_for(len(row.ids), self.longest)
            chances, likely = guess.positions(canvas)[0].topk(LIKELY)
            yield guess.places[0], guess.said(canvas)[0].half(), likely.int(), chances.exp()
        model.middle.eval()

    def draw(self, step: int, seed: int, size: int = BATCH) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.rows) - 2 * size)))
        near = self.rows[first : first + 2 * size]
        return self.collate([near[i] for i in rng.permutation(len(near))[:size]])

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Rows as a batch."""
        audio = [paired(row.frames.float()) for row in rows]
        canvas = canvas_for(max(len(row.ids) for row in rows), self.longest)
        text = torch.full((len(rows), canvas), self.end)
        for i, row in enumerate(rows):
            text[i, : len(row.ids)] = torch.tensor(row.ids)
        return Batch(
            nn.utils.rnn.pad_sequence(audio, batch_first=True),
            torch.tensor([len(a) for a in audio]),
            text,
            torch.tensor([len(row.ids) for row in rows]),
            self._hints([row.hint for row in rows if row.hint], canvas),
        )

    def _hints(self, hints: Sequence[Hint], canvas: int) -> Hint | None:
        if not hints:
            return None

        def fill(parts: list[torch.Tensor], value: float) -> torch.Tensor:
            rows = [part[:canvas] for part in parts]
            rows = [F.pad(part, (0, 0, 0, canvas - len(part)), value=value) for part in rows]
            return torch.stack(rows)

        return Hint(
            nn.utils.rnn.pad_sequence([hint.places for hint in hints], batch_first=True),
            fill([hint.said for hint in hints], 0.0).float(),
            fill([hint.likely for hint in hints], self.end).long(),
            fill([hint.chances for hint in hints], 1.0),
        )


def middle_losses(model: DraxModel, batch: Batch) -> Mapping[str, torch.Tensor]:
    """CTC of the middle alone: a batch's tokens against some others, a part of the sound hidden."""
    audio = batch.audio * shown(batch.audio)
    return {"loss": sampled_ctc(model, model.middle.read(audio, batch.heard), batch)}


def shown(audio: torch.Tensor) -> torch.Tensor:
    """[B, S, 1] False where frames [B, S, ...] are hidden while a model learns."""
    clips, frames = audio.shape[:2]
    runs = torch.rand(clips, frames // RUN + 1) > HIDDEN
    return runs.repeat_interleave(RUN, 1)[:, :frames, None]


def sampled_ctc(model: DraxModel, states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """CTC over the tokens of a batch and `OTHERS`, which count for all that are left out."""
    known = torch.zeros(model.end + 1, dtype=torch.bool)
    known[batch.text] = True
    left = (~known[:-1]).nonzero()[:, 0]
    mine = known[:-1].nonzero()[:, 0]
    others = left[torch.randperm(len(left))[:OTHERS]]
    columns = torch.cat([mine, others])
    correction = torch.zeros(len(columns))
    correction[len(mine) :] = float(np.log(max(1, len(left)) / max(1, len(others))))
    places = torch.zeros(model.end + 1, dtype=torch.long)
    places[columns] = torch.arange(len(columns))
    log_probs = model.middle.log_probs(states, columns, correction)
    return ctc_loss(log_probs, batch.lengths, places[batch.text], batch.counts)


def decoder_losses(model: DraxModel, batch: Batch, path: MixturePath) -> Mapping[str, torch.Tensor]:
    """The decoder at random times of the path, and the middle unless it has given hints."""
    clips, length = batch.text.shape
    spots = torch.arange(length)[None]
    kept = torch.rand(clips) < KEPT
    share = torch.rand(clips) * kept
    keep = spots < (share * batch.counts)[:, None]
    time = torch.rand(clips)
    losses = dict[str, torch.Tensor]()
    if batch.hint is not None:
        places, said = slipped(batch.hint.places), batch.hint.said
        drawn = torch.multinomial(batch.hint.chances.flatten(0, 1), 1).view(clips, length, 1)
        guessed = batch.hint.likely.gather(-1, drawn)[..., 0]
        noisy = path.mix(batch.text, guessed, time, model.end + 1, keep)
    else:
        guess = model.middle(batch.audio, batch.heard)
        # A clip of which the middle counts too many or too few tokens teaches it by CTC alone:
        # elsewhere its frames stand for other positions, and would unlearn what they say.
        counted = guess.count.round() == batch.counts
        log_probs = guess.positions(length)
        log_probs = torch.where(counted[:, None, None], log_probs, log_probs.detach())
        noisy = path.draw(batch.text, log_probs, time, keep)
        at = (spots < batch.counts[:, None]) & counted[:, None]
        missed = -log_probs.gather(-1, batch.text[..., None])[..., 0]
        losses["middle"] = (missed * at).sum() / at.sum().clamp(min=1)
        losses["ctc"] = sampled_ctc(model, guess.states, batch)
        places, said = guess.places, guess.said(length).detach()
    audible = (torch.rand(clips) >= SILENT)[:, None, None]
    said = said * (torch.rand(clips, length, 1) >= UNSURE)
    audio = averaged(batch.audio) * shown(batch.audio) * audible
    memory = model.decoder.listen(audio, places, said * audible)
    logits = model.decoder(noisy, time, memory, batch.heard, keep)
    weight = torch.where(spots > batch.counts[:, None], FILLING, 1.0) * ~keep
    weight = weight / weight.sum()
    flow = (F.cross_entropy(logits.transpose(1, 2), batch.text, reduction="none") * weight).sum()
    loss = flow + sum((CTC if name == "ctc" else 1.0) * each for name, each in losses.items())
    return {"loss": loss, "flow": flow, **losses}


def slipped(places: torch.Tensor) -> torch.Tensor:
    """Places [B, S], some of them from a random position on one too many or too few."""
    clips = len(places)
    start = torch.rand(clips, 1) * places.amax(1, keepdim=True)
    way = torch.randint(2, (clips, 1)) * 2 - 1
    here = (torch.rand(clips, 1) < SLIPPED) & (places > start)
    return places + way * here


@dataclass(frozen=True)
class Counted:
    """Errors in a held-out clip."""

    words: int
    wrong: dict[int, int]
    """By evaluations of the decoder; 0: the middle alone."""
    exact: bool
    """Whether the middle counts as many tokens as there are."""


def counts(
    model: DraxModel,
    clips: Sequence[Clip],
    vocabulary: SubVocabulary,
    steps: Sequence[int],
    path: MixturePath | None = None,
) -> list[Counted]:
    """Word errors of each clip, by evaluations of the decoder, from the source of a path."""
    found = []
    for clip in clips:
        spoken = plain(clip.text).split()
        pairs = paired(clip.frames.float())[None]
        guess = model.middle(pairs)
        exact = int(guess.count.round()) == len(vocabulary.encode(clip.text))
        canvas = canvas_for(float(guess.count), model.decoder.config.length)
        memory = model.decoder.listen(averaged(pairs), guess.places, guess.said(canvas))
        wrong = {}
        for count in steps:
            generator = torch.Generator().manual_seed(0)
            source = torch.randint(model.end + 1, (1, canvas), generator=generator)
            if path and path.heard:
                source = torch.distributions.Categorical(logits=guess.positions(canvas)).sample()
            if count:
                kept = torch.zeros_like(source, dtype=torch.bool)
                drawn = sample(
                    lambda x, t, keep, memory=memory: model.decoder(x, t, memory, None, keep),
                    source, kept, count, temperature=0.01, generator=generator,
                ).tokens  # fmt: skip
            else:
                drawn = guess.positions(canvas).argmax(-1)
            tokens = drawn[0].tolist()
            tokens = tokens[: tokens.index(model.end)] if model.end in tokens else tokens
            wrong[count] = distance(vocabulary.decode(tokens).split(), spoken)
        found.append(Counted(len(spoken), wrong, exact))
    return found


def error_rates(
    model: DraxModel, clips: Sequence[Clip], vocabulary: SubVocabulary, steps: Sequence[int]
) -> dict[str, float]:
    """Word error rates in percent of plain words, and how often the middle counts right."""
    found = counts(model, clips, vocabulary, steps)
    words = max(1, sum(each.words for each in found))
    rates = {f"wer_{n}": 100 * sum(each.wrong[n] for each in found) / words for n in steps}
    return {**rates, "counted": 100 * sum(each.exact for each in found) / max(1, len(found))}


class Averaged(nn.Module):
    """A model and the running average of its decoder's weights.

    Args:
        model: what learns.
    """

    def __init__(self, model: DraxModel) -> None:
        super().__init__()
        self.model = model
        self.steps: torch.Tensor
        self.register_buffer("steps", torch.zeros(()))
        self.names = [n for n, p in model.named_parameters() if p.requires_grad]
        for i, value in enumerate(self._values()):
            self.register_buffer(f"average_{i}", value.detach().clone())

    def _values(self) -> list[torch.Tensor]:
        known = dict(self.model.named_parameters())
        return [known[name] for name in self.names]

    @torch.no_grad()
    def update(self) -> None:
        """Take the present weights into the average; early ones soon count little."""
        self.steps += 1
        keep = min(AVERAGE, float(self.steps / (10 + self.steps)))
        for i, value in enumerate(self._values()):
            self.get_buffer(f"average_{i}").lerp_(value, 1 - keep)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange weights and average."""
        for i, value in enumerate(self._values()):
            average = self.get_buffer(f"average_{i}")
            now = value.clone()
            value.copy_(average)
            average.copy_(now)


def corpus(
    data: Path,
    work: Path,
    *,
    synthetic: int,
    versions: int,
    limit: int | None,
    minutes: float,
    seed: int,
) -> bool:
    """Compute the encoder states of the corpus and of the held-out clips; True if all are there."""
    transcriber = Transcriber.load(weights.path(WHISPER))
    encoder = transcriber.encoder
    label = recognition.labeller(transcriber)
    done = recognition.build(
        RecognitionCorpus(data, synthetic, versions, limit, label=label),
        encoder,
        work / "corpus",
        minutes=minutes,
        seed=seed,
    )
    if not (work / "dev.pt").exists():
        recognition.write(work / "dev.pt", recognition.dev_clips(data), encoder)
    if not (work / VOCABULARY).exists():
        kept = common(weights.path(WHISPER) / "tokenizer.json", recognition.texts(data), LEAST)
        (work / VOCABULARY).write_text(json.dumps(kept), "utf-8")
    return done


def train(
    work: Path,
    out: Path,
    *,
    middle_steps: int,
    steps: int,
    minutes: float | None = None,
    seed: int = 0,
    middle_in_path: bool = True,
    joint: bool = False,
) -> bool:
    """Train both stages on the corpus in `work` and write the model to `out`.

    Args:
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
        middle_steps: of the first stage.
        steps: of the second.
        minutes: time to take at most, for each stage.
        seed: of weights, batches and noise.
        middle_in_path: whether the path goes over the middle; False: straight from noise.
        joint: whether the middle learns along with the decoder.

    Returns:
        True if the last step was reached; what was learned until then is written in any case.
    """
    torch.manual_seed(seed)
    file = weights.path(WHISPER) / "tokenizer.json"
    clips = recognition.read(work / "corpus")
    kept = json.loads((work / VOCABULARY).read_text("utf-8"))
    vocabulary = SubVocabulary(file, kept)
    model = fresh(vocabulary)
    batches = Batches(clips, vocabulary, model.end, model.decoder.config.length)
    rows = torch.load(work / "dev.pt", weights_only=True)
    dev = [Clip(row["frames"], row["text"]) for row in rows][:EVALUATED]
    first = loop.fit(
        model.middle,
        lambda step: middle_losses(model, batches.draw(step, seed)),
        loop.Schedule(middle_steps, MIDDLE_RATE),
        work / "middle",
        minutes=minutes,
        seed=seed,
        evaluate=lambda: error_rates(model.eval(), dev, vocabulary, (0,)),
    )
    if not first:
        return False
    if not joint:
        batches.listen(model, work / "hints.pt")
        model.middle.requires_grad_(False)
    path = MixturePath(middle=middle_in_path)
    averaged_model = Averaged(model)

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        averaged_model.update()
        if not joint:
            model.middle.eval()
        return decoder_losses(model, batches.draw(step, seed + 1), path)

    def evaluate() -> Mapping[str, float]:
        averaged_model.swap()
        found = error_rates(model.eval(), dev, vocabulary, (1, 4))
        averaged_model.swap()
        return found

    done = loop.fit(
        averaged_model,
        losses,
        loop.Schedule(steps, DECODER_RATE, warmup=min(100, steps // 4)),
        work / ("decoder" if middle_in_path else "decoder-straight"),
        minutes=minutes,
        seed=seed,
        evaluate=evaluate,
    )
    averaged_model.swap()
    save(model, WHISPER, out, steps={"middle": middle_steps, "decoder": int(averaged_model.steps)})
    return done


def fresh(vocabulary: SubVocabulary) -> DraxModel:
    """The model before training."""
    return warm_start(TextDecoder.load(weights.path(WHISPER)), vocabulary)
