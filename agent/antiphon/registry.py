"""Registries: things of one kind by name, our own and those that other distributions add.

Another distribution adds one by an entry point, in its `pyproject.toml`:

    [project.entry-points."antiphon.voices"]
    amy = "amy_voice:load"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from operator import attrgetter
from typing import Generic, TypeVar, cast

from antiphon.errors import UserError

T = TypeVar("T")


class Registry(Generic[T]):
    """Loads what a name stands for when it is first asked for.

    Args:
        kind: what the things are, for messages: "voice".
        group: of the entry points that add to them.
        own: name to "module:attribute", or a function that returns this.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        own: Mapping[str, str] | Callable[[], Mapping[str, str]] = {},  # noqa: B006, is only read
    ) -> None:
        self.kind, self.group, self._own = kind, group, own

    def names(self) -> tuple[str, ...]:
        """All names, our own first."""
        added = sorted(point.name for point in entry_points(group=self.group))
        return tuple(dict.fromkeys([*self._listed(), *added]))

    def __contains__(self, name: str) -> bool:
        """Whether there is a thing of that name."""
        return name in self.names()

    def get(self, name: str) -> T:
        """What a name stands for.

        Raises:
            UserError: There is no such name, or what adds it cannot be imported.
        """
        if place := self._listed().get(name):
            module, _, attribute = place.partition(":")
            return cast(T, attrgetter(attribute)(import_module(module)))
        found = list(entry_points(group=self.group, name=name))
        if not found:
            raise UserError(
                f"There is no {self.kind} '{name}': choose {', '.join(self.names()) or 'another'}."
            )
        try:
            return cast(T, found[0].load())
        except (ImportError, AttributeError) as error:
            raise UserError(
                f"The {self.kind} '{name}' cannot be loaded from {found[0].value} ({error}): "
                "install again what brought it."
            ) from error

    def _listed(self) -> Mapping[str, str]:
        return self._own() if callable(self._own) else self._own
