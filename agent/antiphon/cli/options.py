"""Options of the command line, built from the sections of `antiphon.settings`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import partial
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer

from antiphon import settings

Command = TypeVar("Command", bound=Callable[..., Any])


class Only:
    """Restricts a section to some of its settings: `Annotated[Models, Only("voice")]`.

    Args:
        names: of the settings.
    """

    def __init__(self, *names: str) -> None:
        self.names = names


def with_settings(command: Command) -> Command:
    """Gives a command an option for every setting of the sections it takes.

    A parameter annotated with a section is filled with one, made of the options given and, for
    the rest, of `antiphon.toml`, the environment and the defaults.

    Args:
        command: a function for `typer.Typer.command`.
    """
    hints = get_type_hints(command, include_extras=True)
    sections: dict[str, tuple[type[Any], list[str]]] = {}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        kind, *more = get_args(hints[parameter.name]) or [hints[parameter.name]]
        if not is_section(kind):
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        names = more[0].names if more else [each.name for each in settings.settings_of(kind)]
        sections[parameter.name] = kind, list(names)
        types = get_type_hints(kind)
        for each in settings.settings_of(kind):
            if each.name in names:
                annotation: Any = Annotated.__class_getitem__(  # type: ignore[attr-defined]
                    (types[each.name], option(kind, each))
                )
                parameters.append(
                    inspect.Parameter(
                        each.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation
                    )
                )

    def run(**given: Any) -> Any:
        for name, (kind, names) in sections.items():
            given[name] = settings.load(kind, **{each: given.pop(each) for each in names})
        return command(**given)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, __name__
    keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    run.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in keyword}
    return run  # type: ignore[return-value]


def is_section(kind: Any) -> bool:
    """Whether a type is a section of settings."""
    return isinstance(kind, type) and is_dataclass(kind) and bool(settings.settings_of(kind))


def option(section: type[Any], setting: Field[Any]) -> Any:
    """The option of one setting; `--help` shows what it would be without it."""
    flags = setting.metadata["flags"]
    shown = setting.default if setting.default is not MISSING else None
    return typer.Option(
        *flags,
        default_factory=partial(settings.value, section, setting.name),
        show_default=False if shown is None else str(shown),
        metavar=setting.metadata["metavar"] or None,
        help=setting.metadata["about"],
    )


def given_or(section: type[Any], name: str) -> Any:
    """The option of one setting, for a command that takes it by itself."""
    return option(section, next(each for each in fields(section) if each.name == name))
