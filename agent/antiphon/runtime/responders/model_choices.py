"""Models that clients choose while they talk; loaded when the first of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import psutil

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.language_model import LANGUAGE_MODELS, is_address
from antiphon.recognition.recognizer import RECOGNIZERS
from antiphon.runtime.responders.responder import Responder
from antiphon.s2t.question_encoder import QUESTION_ENCODERS
from antiphon.t2c.voice import VOICES


@dataclass(frozen=True)
class Choice:
    """What hears, thinks and speaks, each by its name."""

    voice: str
    llm: str
    ears: str
    """A way of hearing, or a recognizer."""


@dataclass(frozen=True)
class Offer:
    """What can be chosen; the first of each is what the server was started with."""

    voices: tuple[str, ...]
    llms: tuple[str, ...]
    ears: tuple[str, ...]

    @classmethod
    def of(cls, own: Choice, offered: str = "ready") -> Offer:
        """What a setting offers beside the server's own.

        Args:
            own: what the server was started with.
            offered: "ready" takes all that needs no download, "none" nothing; or names with commas.

        Raises:
            UserError: There is nothing of that name.
        """
        known: Mapping[str, tuple[str, ...]] = {
            "voices": VOICES.names(),
            "llms": LANGUAGE_MODELS.names(),
            "ears": (*QUESTION_ENCODERS.names(), *RECOGNIZERS.names()),
        }
        if offered == "ready":
            chosen = {kind: list(filter(is_here, names)) for kind, names in known.items()}
        else:
            chosen = {kind: [] for kind in known}
            names = "" if offered == "none" else offered
            for name in filter(None, map(str.strip, names.split(","))):
                kinds = [kind for kind, each in known.items() if name in each]
                kinds = kinds or (["llms"] if is_address(name) else [])
                if not kinds:
                    raise UserError(
                        f"There is no model '{name}' that could be offered: choose "
                        f"{', '.join(each for names in known.values() for each in names)}."
                    )
                chosen[kinds[0]].append(name)
        first = {"voices": own.voice, "llms": own.llm, "ears": own.ears}
        return cls(**{k: tuple(dict.fromkeys([first[k], *chosen[k]])) for k in known})


def is_here(name: str) -> bool:
    """Whether something can be used without fetching anything."""
    if name in weights.ENTRIES:
        return weights.is_ready(weights.ENTRIES[name])
    return name in weights.trained() or name in QUESTION_ENCODERS


Loaded = tuple[Choice, Responder[Any]]
"""Models, and what answers with them."""
Load = Callable[[Choice, Loaded | None], Responder[Any]]
"""Loads what was chosen, on the weights of what has the same language model already, if any."""


class ModelChoices:
    """What answers each client.

    Beside the server's own language model one other is held at a time, since each takes hundreds
    of megabytes.

    Args:
        own: what the server was started with.
        responder: answers with it.
        offer: what can be chosen.
        load: loads it.
    """

    def __init__(self, own: Choice, responder: Responder[Any], offer: Offer, load: Load) -> None:
        self.own, self.offer = own, offer
        self._own: Loaded = (own, responder)
        self._load = load
        self._chosen: WeakKeyDictionary[Any, Loaded] = WeakKeyDictionary()
        self._loading = Lock()

    def of(self, client: Any) -> Responder[Any]:
        """What answers a client."""
        return self._chosen.get(client, self._own)[1]

    def chosen(self, client: Any) -> Choice:
        """The models that answer a client."""
        return self._chosen.get(client, self._own)[0]

    def choose(self, client: Any, choice: Choice) -> None:
        """Let a client be answered by other models from its next turn on; takes seconds.

        Raises:
            UserError: They are not offered, do not fit together, or there is no room for them. The
                client keeps what it has, or falls back to the server's own language model.
        """
        for name, names in (
            (choice.voice, self.offer.voices),
            (choice.llm, self.offer.llms),
            (choice.ears, self.offer.ears),
        ):
            if name not in names:
                raise UserError(f"'{name}' is not offered here: choose {', '.join(names)}.")
        with self._loading:
            if choice == self.own:
                self.leave(client)
                return
            base = self._base(client, choice)
            if base is None:
                self.leave(client)  # memory is given back before more is taken
            self._chosen[client] = choice, self._load(choice, base)

    def leave(self, client: Any) -> None:
        """A client is gone, or wants the server's own models again."""
        self._chosen.pop(client, None)

    def _base(self, client: Any, choice: Choice) -> Loaded | None:
        """What has the language model already; None: it has to be loaded, and there is room."""
        if choice.llm == self.own.llm:
            return self._own
        for other, loaded in list(self._chosen.items()):
            if loaded[0].llm == choice.llm:
                return loaded
            if loaded[0].llm != self.own.llm and other is not client:
                raise UserError(
                    f"Somebody else talks with {loaded[0].llm}, and there is room for one language "
                    f"model beside {self.own.llm}: choose one of these, or try again later."
                )
        needed, free = size(choice.llm), psutil.virtual_memory().available
        if needed > free:
            raise UserError(
                f"{choice.llm} needs {needed >> 20} MiB of memory, and {free >> 20} MiB are free: "
                "choose a smaller language model."
            )
        return None


def size(name: str) -> int:
    """Bytes of the files of a language model, about what it takes of memory; 0 if it is remote."""
    if name not in weights.ENTRIES:
        return 0
    return sum(each.stat().st_size for each in weights.path(name).rglob("*") if each.is_file())
