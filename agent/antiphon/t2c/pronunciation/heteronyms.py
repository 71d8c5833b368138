"""Heteronyms: which of two pronunciations a word has, by the words around it.

A small rule for each word looks at a few words before and after it, as in Yarowsky (1997): no
tagger is loaded, and what has not been written yet is not needed. `heteronyms.tsv` names the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from antiphon.t2c.pronunciation.word_context import Context, context
from antiphon.text.rewriting import listed

TABLE = Path(__file__).with_name("heteronyms.tsv")

_LAST_WORD = re.compile(r"([A-Za-z]+)$")

_DETERMINERS = frozenset(
    listed(
        "a an the this that these those my your his her its our their some any no every each "
        "another many several few most all both such more less much own one two three four five "
        "six seven eight nine ten first second third last next what which whose"
    )
)
_BEFORE_NOUN = _DETERMINERS | frozenset(
    listed("of in on at with for from by into about as than without under new old good great")
)
_OBJECTS = frozenset(
    listed(
        "the a an this that these those my your his her its our their it them him us me you "
        "everything something anything nothing everyone all some any each every up out down off "
        "themselves himself herself itself yourself"
    )
)
_BEFORE_VERB = frozenset(
    listed(
        "to will would can could may might must shall should do did does don't didn't doesn't "
        "won't can't couldn't cannot wouldn't shouldn't let's i you we they who please i'll "
        "you'll we'll they'll he'll she'll it'll i'd you'd we'd they'd he'd she'd never not "
        "always often help helps helped let lets make makes made us"
    )
)
_ADVERBS = frozenset(
    listed("also always never often usually sometimes still just even then now only really")
)
_HAVE = frozenset(listed("have has had having i've you've we've they've he's she's it's"))
_BE = frozenset(listed("is are was were be been being am i'm you're we're they're he's she's it's"))
_MODALS = frozenset(
    listed(
        "to will would can could may might must shall should do did does don't didn't doesn't "
        "won't can't couldn't cannot wouldn't shouldn't let's i'll you'll we'll they'll he'll "
        "she'll please"
    )
)
_PRONOUNS = frozenset(listed("he she it who that which"))


def _verb(c: Context) -> bool:
    """A base form is a verb: after to, a modal or a subject, or commanding at the beginning."""
    for place, word in enumerate(c.sentence_before[:2]):
        if word == "not" and c.previous(place + 1) not in _MODALS:
            break
        if word in _BEFORE_VERB:
            return not (word == "to" and c.next() in ("levels", "high", "low"))
        if word in _DETERMINERS or not (word in _ADVERBS or word.endswith("ly")):
            break
    if c.begins:
        return c.next() in _OBJECTS and c.before[:1] != (",",)
    if c.previous() in _BEFORE_NOUN:
        return False
    if c.previous() == "and" and (c.previous(2) in _MODALS or c.next() in _OBJECTS):
        return True
    if c.next() in ("between", "against", "that"):
        return _plural(c.previous())
    quantities = ("many", "most", "some", "all", "several", "both")
    bare = not set(c.sentence_before[1:3]) & (_DETERMINERS - {*quantities})
    follows = c.next() not in ("", "of", "is", "was", "are", "and") and bare
    return _plural(c.previous()) and (c.next() in _OBJECTS or follows)


def _plural(word: str) -> bool:
    """Whether several may be meant."""
    irregular = word in ("people", "men", "women", "children")
    ends = word.endswith("s") and not word.endswith(("ss", "'s", "us", "is"))
    return irregular or (ends and word not in _BE | _HAVE | _DETERMINERS)


def _verb_s(c: Context) -> bool:
    """A form in -s is a verb: after he, who or a name, or with an object of its own."""
    before = c.previous()
    if before in _DETERMINERS - {"that", "which"} or before in ("of", "in", "on", "for", "with"):
        return False
    if before in _PRONOUNS or (before in _ADVERBS and c.previous(1) in _PRONOUNS):
        return True
    named = c.follows[:1].isupper() and not before.endswith("'s")
    places = ("in", "on", "at", "with", "near", "alone", "there", "here", "to", "next")
    if c.word.lower() == "lives":
        return (c.next() in places and not before.endswith("s")) or (named and not c.next())
    return c.next() in _OBJECTS and bool(before) and before not in _BEFORE_NOUN


def _past(c: Context) -> bool:
    """Read: after have or be, with a time in the past, or beside other verbs in the past."""
    near = c.sentence_before[:3]
    if any(word in _MODALS for word in near[:2]):
        return False
    if c.previous() in ("a", "good", "the", "great", "long", "must") or _plural(c.previous()):
        return c.near("yesterday ago")
    if any(word in _HAVE | _BE or word == "well" for word in near):
        return True
    if c.previous() in ("he", "she", "it", "who", "which", "nobody", "everyone", "everybody"):
        return True
    if c.follows[:1].isupper() and c.previous() not in ("i", "you", "we", "they"):
        return True
    if c.near("yesterday ago last once earlier already before recently aloud when"):
        return c.near("yesterday ago last once earlier already recently") or _past_verb(c)
    return _past_verb(c)


def _past_verb(c: Context) -> bool:
    known = listed("was were went sat took had said came got saw made found did opened told then")
    return any(
        word in known or (word.endswith("ed") and len(word) > 4) for word in c.sentence_before
    )


def _metal(c: Context) -> bool:
    return (
        c.previous() not in _MODALS | {"the"} - {"to"}
        and c.near(
            "pipe pipes paint poisoning poisonous metal metals zinc copper tin iron mercury heavy "
            "bullet bullets pencil pencils element atomic acid battery batteries toxic gasoline "
            "melted melts melt silver weights shielding free solder dust pb atoms soft dense roof"
        )
    ) or (c.previous() in ("of", "contain", "contains", "like", "into") and not c.next())


def _lively(c: Context) -> bool:
    if c.next() in listed(
        "music show shows broadcast broadcasts stream streams performance performances audience "
        "album albums tv television animals wire bait coverage event events video band bands "
        "concert concerts recording recordings from on-air chat feed streaming sports ammunition "
        "births entertainment report reports updates game games"
    ):
        return True
    if c.previous() in ("a", "the", "this", "our", "some", "first", "go", "goes", "going", "went"):
        return c.previous() != "the" or c.next() not in ("in", "on")
    performed = set(listed("performed perform broadcast streamed recorded sang played shown watch"))
    if c.previous() in _MODALS | _PRONOUNS | {"they", "we", "i", "you"}:
        return False
    return not performed.isdisjoint(c.sentence_before[:3])


def _near(c: Context) -> bool:
    """Close is near: before to or a friend, after so or very; not a door."""
    if c.previous() in _MODALS or (not c.next() and _MODALS & set(c.sentence_before[1:4])):
        return c.next() == "to" and c.previous() != "to"
    if c.begins:
        return c.next() in ("to", "friends", "family", "enough", "behind", "by", "up")
    if c.previous() == "the" and c.next() == "of":
        return False
    if c.previous() in ("i", "we", "you", "they", "stores", "shops", "banks", "doors", "please"):
        return False
    times = ("at", "early", "late", "down", "your", "my", "soon", "tomorrow", "tonight", "this")
    if c.next() in times or (c.next() in _OBJECTS and c.next() != "all"):
        return c.previous() in _BE
    return True


def _happy(c: Context) -> bool:
    linking = _BE | set(listed("feel felt feels seem seems very quite perfectly not was more"))
    return (c.previous() in linking and c.next() not in ("of", "that", "is")) or (
        c.next() in ("with", "to") and c.previous() not in _BEFORE_NOUN
    )  # fmt: skip


def _tiny(c: Context) -> bool:
    if c.previous() in ("so", "very", "extremely"):
        return True
    return c.next() in listed(
        "amount amounts quantity quantities detail details particle particles traces differences "
        "changes organisms creatures fraction difference"
    )


def _rip(c: Context) -> bool:
    cloth = (
        "fabric muscle ligament cloth paper shirt jacket jeans acl sail curtain meniscus retina "
        "rotator cuff tendon page pages letter sleeve dress wear seam knee"
    )
    if c.previous() == "wear" or (c.previous() == "and" and c.previous(1) == "wear"):
        return True
    verb = c.previous() in _MODALS | {"you", "i", "we", "they", "he", "she", "it"} or c.begins
    after = ("up", "down", "apart", "off", "away", "it", "them", "along", "open", "out", "the")
    return (verb and c.next() in after) or c.near(cloth)


def _bend(c: Context) -> bool:
    if c.near("arrow arrows tie hair ribbon violin string strings cello hunting archery gift"):
        return False
    if c.previous() in _MODALS | {"he", "she", "they", "we", "i", "you", "deep"}:
        return True
    if {"take", "took", "takes", "taking"} & set(c.sentence_before[:3]):
        return True
    ship = c.near("ship boat stern deck vessel")
    return ship or c.next() in ("to", "down", "before", "out", "his", "her", "their", "my", "your")


def _turn(c: Context) -> bool:
    """Wind as a clock or a road does."""
    roads = "road river path trail stream street stairs creek staircase highway route roads rivers"
    moves = ("through", "around", "along", "its", "down", "up", "between", "past", "across")
    if c.word.lower().endswith("s"):
        return c.previous() in listed(roads) or (c.previous() in _PRONOUNS and c.next() in moves)
    if c.previous() in _MODALS - {"to"} | {"you", "they", "we", "i"} or c.begins:
        return c.next() in _OBJECTS or c.next() in moves
    if c.previous() == "to":
        return c.next() in _OBJECTS or c.next() in moves
    return c.previous() in listed(roads)


def _turned(c: Context) -> bool:
    moves = ("up", "around", "through", "its", "down", "along", "tightly", "the", "his", "her")
    return c.next() in moves and c.previous() not in _DETERMINERS | _MODALS


def _letter(c: Context) -> bool:
    """A as the name of a letter: beside other letters, or after vitamin, plan, grade."""
    if c.word != "A":
        return False
    single = [len(word) == 1 and word.isupper() and word != "I" for word in (c.follows, c.leads)]
    kinds = "vitamin plan grade hepatitis option section group team type letter exhibit side"
    after = c.next()
    return (
        any(single)
        or c.previous() in listed(kinds)
        or (bool(c.before) and (not after or c.after[:1] in ((".",), (",",), ("?",))))
        or after in ("is", "minor", "major", "flat", "sharp", "plus")
    )


def _near_town(*countries: str) -> Callable[[Context], bool]:
    def rule(c: Context) -> bool:
        named = c.word[:1].isupper() and not c.begins
        return (named and c.previous() in ("in", "to", "from", "near", "at")) or (
            c.word[:1].isupper() and c.next() in countries
        )

    return rule


RULES: dict[str, Callable[[Context], bool]] = {
    "verb": _verb,
    "verb_s": _verb_s,
    "letter": _letter,
    "capital": lambda c: c.word.isupper(),
    "fish": lambda c: c.near(
        "fish fishing fished caught catch striped largemouth smallmouth sea lake trout river "
        "fillet grilled pond salmon boat"
    ) and not c.near("guitar player drum clarinet voice line guitarist"),
    "bend": _bend,
    "near": _near,
    "happy": _happy,
    "deer": lambda c: c.near("deer buck bucks fawns stag stags") and (
        c.previous() in ("and", "two", "the", "three") and not c.next().startswith(("it", "not"))
    ),
    "dived": lambda c: c.next() in listed("into in off down under right deep from straight toward"),
    "bible": lambda c: c.word == "Job" and c.previous() in ("of", "prophet", "like"),
    "metal": _metal,
    "lively": _lively,
    "tiny": _tiny,
    "alabama": _near_town("alabama"),
    "france": _near_town("france"),
    "poland": lambda c: c.word == "Polish" and c.next() not in _OBJECTS - {"it"},
    "past": _past,
    "town": _near_town("england", "pennsylvania", "berkshire"),
    "pig": lambda c: c.previous() in ("a", "the") or c.near("piglets pig pigs boar"),
    "rip": _rip,
    "turn": _turn,
    "turned": _turned,
}  # fmt: skip


@lru_cache(maxsize=1)
def table() -> dict[str, tuple[str, str, str]]:
    """The heteronyms: word to rule, its sounds otherwise, and those by the rule."""
    rows = (line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines())
    return {row[0]: (row[1], row[2], row[3]) for row in rows if not row[0].startswith("#")}


def choose(text: str, start: int, end: int, before: str = "") -> str | None:
    """Phonemes of the word at `text[start:end]`; None if it is the pronouncer's to say.

    Args:
        text: spoken form.
        start: of the word.
        end: one past its last character.
        before: what was said before `text`.
    """
    entry = table().get(text[start:end].lower())
    if entry is None:
        return None
    rule, otherwise, by_rule = entry
    if RULES[rule](context(text, start, end, before)):
        return by_rule
    return None if otherwise == "-" else otherwise


def needs_next_word(text: str) -> bool:
    """Whether the last word of a text is told apart by what follows it."""
    last = _LAST_WORD.search(text)
    return last is not None and len(last[1]) > 1 and last[1].lower() in table()
