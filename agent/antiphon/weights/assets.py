"""Where the weights lie that were trained for Antiphon."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from antiphon import settings
from antiphon.errors import UserError
from antiphon.weights.config import read_config


@dataclass(frozen=True)
class AssetConfig:
    """What the `config.json` of every folder says."""

    kind: str


def roots() -> list[Path]:
    """Returns the folders that may hold trained weights, the first of them first."""
    package = Path(__file__).resolve().parents[1]
    found = [package.parents[1] / "assets", package / "assets"]  # a clone; an installed wheel
    if own := settings.value(settings.Paths, "assets"):
        found.insert(0, own.expanduser())
    return found


def assets(name: str) -> Path:
    """Returns a folder (or file) of weights trained for Antiphon.

    Args:
        name: Path below $ANTIPHON_ASSETS, where one's own weights may lie, or below `assets/`, such
            as `voice-joe` or `s2t`; or, with a slash, any folder on this machine.

    Raises:
        UserError: It is not there.
    """
    searched = roots()
    if "/" in name or os.sep in name:
        searched.insert(0, Path())
    for root in searched:
        if (root / name).exists():
            return root / name
    raise UserError(
        f"There are no weights '{name}': give a folder, or one of those that come with Antiphon, "
        f"{', '.join(sorted(trained())) or 'for which the repository has to be cloned again'}."
    )


def trained(kind: str = "") -> dict[str, Path]:
    """Returns the folders of trained weights by name; one's own take the place of ours.

    Args:
        kind: What `config.json` in the folder says they are, such as "voice"; "" takes all.
    """
    found: dict[str, Path] = {}
    for root in roots():
        for config in sorted(root.glob("*/config.json")):
            if not kind or read_config(config.parent, AssetConfig).kind == kind:
                found.setdefault(config.parent.name, config.parent)
    return found
