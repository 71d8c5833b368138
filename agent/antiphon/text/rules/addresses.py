"""Things that lead somewhere: web and e-mail addresses, paths, files, handles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from antiphon.text.rewriting import STARTERS, Piece, Rule, listed, rule
from antiphon.text.rules.acronyms import letters
from antiphon.text.rules.number_words import code, spelled
from antiphon.text.units_of_measure import UNITS

_SIGNS = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "+": "plus",
    "=": "equals", "&": "and", "?": "question mark", ":": "colon", "#": "hash", "%": "percent",
    "~": "tilde", "\\": "backslash",
}  # fmt: skip
_TOP = (
    "com|org|net|edu|gov|io|ai|app|dev|info|biz|me|tv|uk|us|ca|de|fr|eu|au|jp|in|ch|nl|it|es|se|no"
)
_FILES = (
    "py|js|ts|txt|pdf|log|ini|cfg|conf|ya?ml|toml|xml|sql|rs|go|java|cpp|tar|gz|bak|svg|webp|wav|flac|ogg|opus|pptx?|"
    "html?|css|json|csv|md|exe|zip|jpe?g|png|gif|mp[34]|wav|docx?|xlsx?|sh|c|h"
)
_SPELLED = frozenset(
    listed("uk us ca de fr eu au jp ch nl es se io ai tv edu www js ts py md docx xlsx pptx exe")
)
_LONG_PATH = 40


def _parts(match: re.Match[str], start: int, end: int) -> Iterator[Piece]:
    for part in re.finditer(r"[A-Za-z]+|\d+|\S", match.string[start:end]):
        text, index = part[0], start + part.start()
        if text.isdigit():
            port = match.string[index - 1] == ":"
            yield code(text) if port else spelled(text), index
        elif text.isalpha():
            apart = text.lower() in _SPELLED or not re.search("[aeiouyAEIOUY]", text)
            yield letters(text) if apart else text, index
        elif text in _SIGNS:
            yield _SIGNS[text], index


@rule(
    r"(?i)(?<![\w@])(?:(?:https?|ftp)://)?(?:www\.)?"
    r"(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,6}(?P<top>[a-z]{2,12})"
    r"|localhost(?=[:/])|(?<=//)(?:\d{1,3}\.){3}\d{1,3})"
    r"(?P<path>(?::\d{2,5})?(?:/[^\s<>()\[\]\"']{0,2000})?)"
)
def _web(match: re.Match[str]) -> Sequence[Piece] | None:
    explicit = match.start("host") > match.start()
    top = match["top"]
    if not explicit and top and not re.fullmatch(_TOP, top):  # the case tells Node.It from x.it
        return None
    pieces = list(_parts(match, *match.span("host")))
    path = match["path"].rstrip(".,;:!?/*_")
    if path and len(path) <= _LONG_PATH:
        pieces += _parts(match, match.start("path"), match.start("path") + len(path))
    tail = match["path"][len(match["path"].rstrip(".,;:!?")) :]
    return [*pieces, (tail, match.end() - 1)] if tail else pieces


@rule(
    r"(?i)(?<![\w.+@&-])[a-z0-9_](?:[\w.+&-]{0,63})@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,6}[a-z]{2,12}(?:/[\w./-]{0,60}\w)?(?!\w)"
)
def _mail(match: re.Match[str]) -> Sequence[Piece]:
    return list(_parts(match, *match.span()))


@rule(
    r"(?<![\w/.:~\\<-])(?:"
    r"(?:~|\.{1,2}|(?<!\w)file:/{2})?(?:/[\w.+@-]{0,60}\w){1,20}/?"  # /etc/hosts, ~/notes
    r"|[A-Za-z]:(?:\\[\w .+-]{0,40}\w){1,20}\\?"  # C:\Users\Ann
    rf"|(?:[\w-]{{1,40}}/){{1,20}}[\w-]{{1,40}}\.(?:{_FILES})(?![\w.]*\w)"  # src/main.c
    r")(?![\w/])"
)
def _path(match: re.Match[str]) -> Sequence[Piece] | None:
    return None if match[0][1:2].isdigit() else list(_parts(match, *match.span()))


@rule(rf"(?<![\w.])[\w-]{{1,40}}\.(?:{_FILES})(?![\w.]*\w)")
def _file(match: re.Match[str]) -> Sequence[Piece] | None:
    return None if match[0][0].isdigit() else list(_parts(match, *match.span()))


_SLASHES = {
    "and/or": "", "he/she": "or", "she/he": "or", "his/her": "or", "him/her": "or", "s/he": "or",
    "yes/no": "or", "true/false": "or",
}  # fmt: skip


_EACH = frozenset(listed("second minute hour day night week month year game person mile unit user"))


@rule(r"(?<![\w/.-])[A-Za-z]{1,20}(?: ?/ ?[A-Za-z]{1,20}){1,6}(?![\w/])")
def _slash(match: re.Match[str]) -> Sequence[Piece] | None:
    """upgrade/update; but he/she is he or she, AC/DC and km/h have no slash."""
    words = re.findall("[A-Za-z]+", match[0])
    before = match.string[max(0, match.start() - 2) : match.start()].strip()
    if before.isdigit() and len(words[-1]) <= 2:
        return None  # 50 Mbit/s
    if all(w.isupper() for w in words) or words[0] in UNITS or words[0].lower() == "w":
        return None
    said = _SLASHES.get(match[0].lower(), "slash")
    if len(words) == 2 and words[0].endswith("s") and words[1] in _EACH:
        said = "per"  # days/week
    return [
        (said if part[0] == "/" else part[0], match.start() + part.start())
        for part in re.finditer("[A-Za-z]+|/", match[0])
    ]


@rule(r"(?<![\w.@/])[a-z_][a-z_\d]*(?:\.[a-z_][a-z_\d]*){1,6}(?:\(\))?(?![\w@/]|\.\w)")
def _dotted(match: re.Match[str]) -> Sequence[Piece] | None:
    """A name of a program: os.path; not a full stop without a space, nor e.g. or a.m."""
    words = re.findall(r"\w+", match[0])
    if any(len(w) < 2 or w.capitalize() in STARTERS for w in words):
        return None
    called = "(" in (match[0][-2:-1], match.string[match.end() : match.end() + 1])
    if len(words) == 2 and not called and "_" not in match[0] and len(words[1]) > 4:
        return None
    return [piece for piece in _parts(match, *match.span()) if piece[0] != "underscore"]


@rule(r"(?<![\w@#&])([@#])((?:[A-Za-z_]|\d+[A-Za-z]{3})\w{0,60})")
def _handle(match: re.Match[str]) -> Sequence[Piece]:
    sign = "at" if match[1] == "@" else "hashtag"
    words = re.finditer(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", match[2])
    return [(sign, match.start()), *((w[0], match.start(2) + w.start()) for w in words)]


RULES: tuple[Rule, ...] = (_mail, _web, _path, _file, _slash, _dotted, _handle)
