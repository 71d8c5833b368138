"""Things that lead somewhere: web and e-mail addresses, phone numbers, handles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from antiphon.text.rewriting import Piece, Rule, listed, rule
from antiphon.text.rules.acronyms import letters
from antiphon.text.rules.number_words import spelled

_SIGNS = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "+": "plus",
    "=": "equals", "&": "and", "?": "question mark", ":": "colon", "#": "hash", "%": "percent",
    "~": "tilde",
}  # fmt: skip
_TOP = (
    "com|org|net|edu|gov|io|ai|app|dev|info|biz|me|tv|uk|us|ca|de|fr|eu|au|jp|in|ch|nl|it|es|se|no"
)
_FILES = (
    "py|js|ts|txt|pdf|html?|css|json|csv|md|exe|zip|jpe?g|png|gif|mp[34]|wav|docx?|xlsx?|sh|c|h"
)
_SPELLED = frozenset(listed("uk us ca de fr eu au jp ch nl es se io ai tv edu www js ts py md"))
_LONG_PATH = 40


def _parts(match: re.Match[str], start: int, end: int) -> Iterator[Piece]:
    for part in re.finditer(r"[A-Za-z]+|\d+|\S", match.string[start:end]):
        text, index = part[0], start + part.start()
        if text.isdigit():
            yield spelled(text), index
        elif text.isalpha():
            apart = text.lower() in _SPELLED or not re.search("[aeiouyAEIOUY]", text)
            yield letters(text) if apart else text, index
        elif text in _SIGNS:
            yield _SIGNS[text], index


@rule(
    r"(?i)(?<![\w@])(?:(?:https?|ftp)://)?(?:www\.)?"
    r"(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,6}(?P<top>[a-z]{2,12}))"
    r"(?P<path>(?::\d{2,5})?(?:/[^\s<>()\[\]\"']{0,2000})?)"
)
def _web(match: re.Match[str]) -> Sequence[Piece] | None:
    explicit = match.start("host") > match.start()
    if not explicit and not re.fullmatch(_TOP, match["top"]):  # the case tells Node.It from x.it
        return None
    pieces = list(_parts(match, *match.span("host")))
    path = match["path"].rstrip(".,;:!?/*_")
    if path and len(path) <= _LONG_PATH:
        pieces += _parts(match, match.start("path"), match.start("path") + len(path))
    tail = match["path"][len(match["path"].rstrip(".,;:!?")) :]
    return [*pieces, (tail, match.end() - 1)] if tail else pieces


@rule(
    r"(?i)(?<![\w.+@-])[a-z0-9_](?:[\w.+-]{0,63})@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,6}[a-z]{2,12}(?!\w)"
)
def _mail(match: re.Match[str]) -> Sequence[Piece]:
    return list(_parts(match, *match.span()))


@rule(rf"(?<![\w.])\w{{1,40}}\.(?:{_FILES})(?![\w.]*\w)")
def _file(match: re.Match[str]) -> Sequence[Piece] | None:
    return None if match[0][0].isdigit() else list(_parts(match, *match.span()))


@rule(
    r"(?<![\w.+/-])(?:"
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}"  # +44 20 7946 0958
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"  # (555) 123-4567
    r"|(?!\d\d0-\d{3}0)\d{3}-\d{4}"  # 555-1234, but not the range 100-1000
    r"|\d{1,6}(?:-\d{1,6}){2,6}"  # other numbers in groups
    r")(?![\w-]|[.,]\d)"
)
def _phone(match: re.Match[str]) -> Sequence[Piece] | None:
    if re.fullmatch(r"\d{4}-\d\d?-\d\d?", match[0]):  # a date
        return None
    groups = list(re.finditer(r"\d+", match[0]))
    pieces = [("plus", match.start())] if match[0][0] == "+" else []
    for group in groups:
        comma = "" if group is groups[-1] else ","
        pieces.append((spelled(group[0]) + comma, match.start() + group.start()))
    return pieces


@rule(r"(?i)\b((?:call|dial|phone|ring|text)(?:ing|ed)?(?: on)?) (\d{3,5})(?![\w-]|[.,]\d)")
def _emergency(match: re.Match[str]) -> Sequence[Piece]:
    words = [(w[0], match.start() + w.start()) for w in re.finditer(r"\w+", match[1])]
    return [*words, (spelled(match[2]), match.start(2))]


@rule(r"(?<![\w@#&])([@#])([A-Za-z_]\w{0,60})")
def _handle(match: re.Match[str]) -> Sequence[Piece]:
    sign = "at" if match[1] == "@" else "hashtag"
    words = re.finditer(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", match[2])
    return [(sign, match.start()), *((w[0], match.start(2) + w.start()) for w in words)]


RULES: tuple[Rule, ...] = (_mail, _web, _file, _phone, _emergency, _handle)
