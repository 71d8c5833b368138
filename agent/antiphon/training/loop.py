"""One training loop for every model: resumable, time-boxed, seeded, with loss curves.

A job is a module and a function from the step number to losses. Because the batch is a function
of the step alone, resuming needs no data state: a run cut at any step and continued gives the
same weights as one that was never cut.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from antiphon.errors import UserError

Losses = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn: linear warm-up, then cosine to a tenth of `lr`."""

    steps: int
    """Optimizer steps of the whole run."""
    lr: float
    """Peak learning rate."""
    warmup: int = 100
    """Steps of linear warm-up."""
    weight_decay: float = 0.01
    """AdamW weight decay, applied to matrices only."""
    betas: tuple[float, float] = (0.9, 0.98)
    """AdamW moments."""
    clip: float = 1.0
    """Largest gradient norm."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """What part of the rate the parameters get whose names begin like this; all of it otherwise."""

    def rate(self, step: int) -> float:
        """Learning rate at `step`."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.lr * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, done))))

    def share(self, name: str) -> float:
        """Part of the rate of a parameter."""
        return next((part for start, part in self.shares.items() if name.startswith(start)), 1.0)


def fit(
    model: nn.Module,
    losses: Callable[[int], Losses],
    schedule: Schedule,
    out: Path,
    *,
    minutes: float | None = None,
    seed: int = 0,
    save_every: int = 200,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
    evaluate_every: int = 500,
) -> bool:
    """Train the parameters of `model` that require gradients.

    Args:
        model: what learns; only parameters with `requires_grad` are optimized and checkpointed,
            buffers always are.
        losses: maps a step number to named scalar losses. `"loss"` is minimized, the others are
            logged. It must draw its batch and its noise from the step number or torch's RNG.
        schedule: steps and rates.
        out: folder of `checkpoint.pt`, `log.jsonl` and `loss.png`; continued if it exists.
        minutes: stop (and save) after this much wall-clock time; None runs to the last step.
        seed: seeds torch before the first step.
        save_every: steps between checkpoints.
        evaluate: returns held-out figures, logged every `evaluate_every` steps and at the end.
        evaluate_every: steps between evaluations.

    Returns:
        True if the last step was reached, False if time ran out.
    """
    out.mkdir(parents=True, exist_ok=True)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    groups: list[dict[str, Any]] = []
    for share in dict.fromkeys(map(schedule.share, trained)):
        own = [p for name, p in trained.items() if schedule.share(name) == share]
        groups += [
            {"params": [p for p in own if p.ndim > 1], "share": share},
            {"params": [p for p in own if p.ndim <= 1], "share": share, "weight_decay": 0.0},
        ]
    optimizer = torch.optim.AdamW(
        groups,
        lr=schedule.lr,
        betas=schedule.betas,
        weight_decay=schedule.weight_decay,
    )
    torch.manual_seed(seed)
    step = restore(out, model, optimizer)
    deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
    model.train()
    with tqdm(total=schedule.steps, initial=step, desc=out.name, unit="step") as bar:
        while step < schedule.steps and time.monotonic() < deadline:
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step) * group.get("share", 1.0)
            values = losses(step)
            optimizer.zero_grad(set_to_none=True)
            values["loss"].backward()
            norm = nn.utils.clip_grad_norm_(trained.values(), schedule.clip)
            if torch.isfinite(norm):
                optimizer.step()
            step += 1
            bar.update()
            row: dict[str, float] = {name: value.item() for name, value in values.items()}
            bar.set_postfix({name: f"{value:.3f}" for name, value in row.items()}, refresh=False)
            if evaluate and (step % evaluate_every == 0 or step == schedule.steps):
                model.eval()
                with torch.no_grad():
                    row |= {f"held_out.{name}": value for name, value in evaluate().items()}
                model.train()
                bar.write(json.dumps({"step": step, **{k: round(v, 4) for k, v in row.items()}}))
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps({"step": step, **row}) + "\n")
            if step % save_every == 0:
                save(out, model, optimizer, step)
    save(out, model, optimizer, step)
    plot(out)
    return step >= schedule.steps


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """What learning changed: parameters that require gradients, and every buffer."""
    learned = {name for name, p in model.named_parameters() if p.requires_grad}
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    state: dict[str, torch.Tensor] = model.state_dict()
    return {k: v for k, v in state.items() if k in learned or k not in frozen}


def save(out: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write a checkpoint atomically: a cut leaves the old one or the new one, never half."""
    part = out / "checkpoint.part"
    state: dict[str, Any] = {
        "step": step,
        "model": trained_state(model),
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
    }
    torch.save(state, part)
    part.replace(out / "checkpoint.pt")


def restore(out: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load the checkpoint of `out`, if there is one, and return the step to go on from."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    log = out / "log.jsonl"
    rows = [row for row in log.read_text().splitlines() if row] if log.exists() else []
    kept = [row for row in rows if json.loads(row)["step"] <= state["step"]]
    log.write_text("".join(row + "\n" for row in kept))
    return int(state["step"])


def load(out: Path, model: nn.Module) -> int:
    """Give `model` what the run in `out` has learned, and return its step.

    Raises:
        UserError: if there is no checkpoint.
    """
    path = out / "checkpoint.pt"
    if not path.exists():
        raise UserError(f"{path} is missing: train {out.name} first")
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"], strict=False)
    return int(state["step"])


def plot(out: Path) -> None:
    """Draw `log.jsonl` as `loss.png`, one panel a figure, smoothed over fifty steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    log = out / "log.jsonl"
    rows = [json.loads(row) for row in log.read_text().splitlines()] if log.exists() else []
    if not rows:
        return
    names = sorted({name for row in rows for name in row if name != "step"})
    figure, panels = plt.subplots(1, len(names), figsize=(4 * len(names), 3), squeeze=False)
    for panel, name in zip(panels[0], names, strict=True):
        points = [(row["step"], row[name]) for row in rows if name in row]
        steps = [x for x, _ in points]
        values = torch.tensor([y for _, y in points])
        width = 1 if name.startswith("held_out.") else min(50, len(points))
        smooth = values.unfold(0, width, 1).mean(-1).tolist()
        panel.plot(steps[width - 1 :], smooth, marker="o" if width == 1 else None)
        panel.set_title(name)
        panel.set_xlabel("step")
    figure.tight_layout()
    figure.savefig(out / "loss.png", dpi=80)
    plt.close(figure)
