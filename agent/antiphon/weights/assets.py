"""Where the weights lie that were trained for Antiphon."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from antiphon.errors import UserError


def roots() -> list[Path]:
    """Returns the folders that may hold trained weights, the first of them first."""
    package = Path(__file__).resolve().parents[1]
    found = [package.parents[1] / "assets", package / "assets"]  # a clone; an installed wheel
    if own := os.environ.get("ANTIPHON_ASSETS"):
        found.insert(0, Path(own).expanduser())
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
        f"{', '.join(_trained(searched)) or 'for which the repository has to be cloned again'}."
    )


def _trained(roots: Sequence[Path]) -> list[str]:
    cards = {card.parent.name for root in roots for card in root.glob("*/card.md")}
    return sorted(cards)
