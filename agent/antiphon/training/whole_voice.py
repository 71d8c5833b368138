"""A voice of any Piper file: the jobs of `voice_recipe` in order, up to stage II.

A job that has come to its end is not done again. The finished folder is a voice by itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from antiphon import weights
from antiphon.errors import UserError
from antiphon.t2c.voice import VoiceConfig
from antiphon.training import voice_sizes as sizes
from antiphon.training.voice_recipe import GENERATOR, LEXICON, VoiceRecipe

Job = Callable[[float | None], bool]
"""Works for so many minutes at most; tells whether it has come to its end."""
SIZES = {
    "latents": sizes.SENTENCES,
    "codec": sizes.CODEC_STEPS,
    "language": sizes.UNIT_WORDS,
    "pronouncer": sizes.PRONOUNCER_STEPS,
    "t2c": sizes.T2C_STEPS,
}
"""Of the jobs that have one: sentences, steps or words."""
SHORTENED = ("latents", "codec", "pronouncer", "t2c")
"""Jobs whose size is a matter of effort."""
MINUTES = {"latents": 9, "codec": 13, "language": 3, "pronouncer": 32, "t2c": 28, "lexicon": 2}
"""Of one core that they take at that size, by their rates in shorter runs."""
FEWEST = 600
"""Sentences at least: 300 are held out when the unit language is built."""
FINISHED = "finished.txt"
"""Names of the jobs that have come to their end, a line each, in the work folder."""
BEGUN = "begun.json"
"""What was asked for when the work folder was begun: the jobs in it fit nothing else."""


@dataclass(frozen=True)
class WholeVoice:
    """One voice from its teacher's file to its `config.json`.

    Args:
        recipe: its jobs.
        effort: share of the usual sentences and steps.
    """

    recipe: VoiceRecipe
    effort: float = 1.0

    def __post_init__(self) -> None:
        spoken = self.recipe.teacher.language
        if not spoken.startswith("en"):
            raise UserError(
                f"{self.recipe.voice_file} speaks {spoken}, and the texts it would have to read "
                "are English: give an English voice."
            )
        like = self.recipe.like
        if like is not None:
            own = weights.read_config(like, VoiceConfig).language
            if own.casefold() != spoken.casefold():
                raise UserError(
                    f"{like} speaks {own} and {self.recipe.voice_file} {spoken}: they cannot share "
                    "a pronouncer. Leave --like away."
                )

    @property
    def asked(self) -> dict[str, Any]:
        """What a voice depends on."""
        recipe = self.recipe
        return {
            "teacher": sha256(recipe.voice_file.read_bytes()).hexdigest(),
            "effort": self.effort,
            "shift": recipe.shift,
            "like": recipe.like.name if recipe.like else None,
            "seed": recipe.seed,
        }

    def size(self, job: str) -> int:
        """Sentences, words or steps of a job."""
        if job not in SHORTENED:
            return SIZES[job]
        return max(FEWEST if job == "latents" else 1, round(self.effort * SIZES[job]))

    @property
    def jobs(self) -> Mapping[str, Job]:
        """What is to be done, in order."""
        recipe = self.recipe
        jobs: dict[str, Job] = {
            "latents": partial(recipe.make_latents, self.size("latents")),
            "codec": partial(recipe.train_codec, self.size("codec")),
            "language": self._language,
            "pronouncer": partial(recipe.train_pronouncer, self.size("pronouncer")),
            "t2c": partial(recipe.train_t2c, self.size("t2c")),
            "lexicon": self._lexicon,
        }
        if recipe.like is not None:
            del jobs["pronouncer"]
        return jobs

    @property
    def missing(self) -> list[str]:
        """Jobs that have not come to their end."""
        path = self.recipe.work / FINISHED
        done = path.read_text("utf-8").split() if path.exists() else []
        return [name for name in self.jobs if name not in done]

    def minutes(self) -> float:
        """What is missing takes about so long on one core."""
        share = {name: self.effort if name in SHORTENED else 1.0 for name in MINUTES}
        return sum(MINUTES[name] * share[name] for name in self.missing if not self._lent(name))

    def make(self, minutes: float | None = None) -> bool:
        """Do what is missing; `minutes` is for each job. Returns whether the voice is finished.

        Raises:
            UserError: The work folder was begun for another voice.
        """
        self._begin()
        for name in self.missing:
            if not self.jobs[name](minutes):
                return False
            with (self.recipe.work / FINISHED).open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
        self._describe()
        return True

    def _begin(self) -> None:
        asked, path = self.asked, self.recipe.work / BEGUN
        if not path.exists():
            path.write_text(json.dumps(asked, indent=2) + "\n", "utf-8")
        begun = json.loads(path.read_text("utf-8"))
        if other := [name for name in asked if asked[name] != begun[name]]:
            raise UserError(
                f"{self.recipe.work} was begun with another {' and '.join(other)}: give the same, "
                "or another --out."
            )

    def _lent(self, job: str) -> bool:
        like = self.recipe.like
        return job == "lexicon" and like is not None and (like / LEXICON).exists()

    def _language(self, minutes: float | None) -> bool:
        self.recipe.train_language(self.size("language"))
        return True

    def _lexicon(self, minutes: float | None) -> bool:
        if self._lent("lexicon"):
            assert self.recipe.like is not None
            shutil.copyfile(self.recipe.like / LEXICON, self.recipe.out / LEXICON)
        else:
            self.recipe.make_lexicon()
        return True

    def _describe(self) -> None:
        """Write what makes the folder a voice, and its card."""
        recipe = self.recipe
        language, _, region = recipe.teacher.language.partition("-")
        facts: dict[str, Any] = {
            "kind": "voice",
            "language": f"{language}-{region.upper()}" if region else language,
            "codec": "unit",
            "language_models": {recipe.llm: GENERATOR},
            "lexicon": LEXICON,
        }
        if recipe.like is not None:
            facts["length_scale"] = weights.read_config(recipe.like, VoiceConfig).length_scale
        (recipe.out / "config.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        (recipe.out / "card.md").write_text(self._card(), "utf-8")

    def _card(self) -> str:
        recipe = self.recipe
        facts = [f"{name} {value}" for name, value in self.asked.items() if value is not None]
        rows = [
            f"# {recipe.out.name}",
            "",
            f"Taught by the Piper voice `{recipe.voice_file.name}` with `antiphon train voice`:",
            f"{', '.join(facts)}.",
            "It is under the licence of that voice, and of the texts it read (docs/data.md).",
            "",
            "| job | size | held out |",
            "|---|---|---|",
        ]
        for name in self.jobs:
            size = f"{self.size(name):,}" if name in SIZES else ""
            rows.append(f"| {name} | {size} | {held_out(recipe.work / name)} |")
        return "\n".join([*rows, ""])


def held_out(run: Path) -> str:
    """The last figures on held-out material in a run's log."""
    log = run / "log.jsonl"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    rows = [{k: v for k, v in json.loads(line).items() if "held_out" in k} for line in lines]
    last: dict[str, float] = next((row for row in reversed(rows) if row), {})
    found = {name.removeprefix("held_out."): value for name, value in last.items()}
    return ", ".join(f"{name} {value:.3f}" for name, value in found.items())
