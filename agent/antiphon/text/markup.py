"""Markdown and HTML remnants: what is for the eye only is dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, replace, rule, verbatim

BREAK = "\x0b"
"""Stands for the start of a list item, heading or paragraph until the pauses are set."""

_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "nbsp": " ", "#39": "'"}


@rule(r"&(amp|lt|gt|quot|nbsp|#39);")
def _entity(match: re.Match[str]) -> Sequence[Piece]:
    return [(_ENTITIES[match[1]], match.start())]


@rule(r"!?\[([^\[\]\n]{1,300})\]\((?:[^()\s]|\([^()\s]{0,80}\)){1,500}(?: \"[^\"\n]{0,100}\")?\)")
def _link(match: re.Match[str]) -> Sequence[Piece]:
    # word by word, so that the words of a link keep their own origin
    return verbatim(match, 1)


@rule(r"(?m)^[ \t]{0,20}(\d{1,2})[.)][ \t]+(?=\S)")
def _numbered_item(match: re.Match[str]) -> Sequence[Piece]:
    return [(BREAK + match[1] + ",", match.start(1))]


RULES: tuple[Rule, ...] = (
    _entity,
    _link,
    replace(r"</?[A-Za-z][^<>\n]{0,200}>", " "),
    replace(r"(?m)^[ \t]{0,20}(?:```|~~~)[ \t]*[\w+-]{0,20}[ \t]*$", BREAK),
    replace(r"(?m)^[ \t]{0,20}(?:(?:\*[ \t]?){3,}|(?:-[ \t]?){3,}|(?:_[ \t]?){3,}|={3,})$", BREAK),
    replace(r"(?m)^[ \t]{0,20}\|?(?:[ \t]?:?-{2,}:?[ \t]?\|?){1,40}$", BREAK),
    replace(r"(?m)^[ \t]{0,20}(?:>[ \t]?){1,9}", BREAK),
    replace(r"(?m)^[ \t]{0,20}#{1,6}[ \t]+", BREAK),
    replace(r"(?m)^[ \t]{0,20}(?:[-*+•][ \t]+){1,3}(?:\[[ xX]\][ \t])?(?=\S)", BREAK),
    _numbered_item,
    replace(r"\n[ \t]*(?=\n)", BREAK),
    replace(r"(?<=[\w.,;:!?\"')])\[\^?\d{1,3}\]", " "),
    replace(r"(?<![\w:;=.])[:;=][-']?[)(DPp|\\/*]{1,3}(?![\w/])|<3(?!\d)", " "),
)
