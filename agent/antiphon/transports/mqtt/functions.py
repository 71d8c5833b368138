"""A robot's abilities: plain Python functions in a file of the user's.

The name, the first paragraph of the docstring and the type hints are all there is to write: a
language model reads the first two, and the hints become the JSON Schema of the arguments.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Union

from antiphon.errors import UserError
from antiphon.transports.mqtt.calls import Outcome
from antiphon.transports.mqtt.schema import fault
from antiphon.transports.mqtt.topics import is_name

ON_STOP = "on_stop"
"""A function of this name is no tool: it is called when the robot has to stand still."""
LARGEST = 4000
"""Characters of a result; a longer one is no answer to a question."""
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Tool:
    """A function that can be called by a language model.

    Args:
        function: with a docstring, and type hints on every parameter.

    Raises:
        UserError: It lacks something, or a hint is none that JSON knows.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = function.__name__
        if not is_name(self.name):
            raise UserError(f"A tool cannot be called '{self.name}': use letters and digits.")
        about = inspect.getdoc(function)
        if not about:
            raise UserError(
                f"The tool '{self.name}' has no docstring: say in one what it does, "
                "the language model reads it."
            )
        self.function = function
        self.description = " ".join(about.split("\n\n")[0].split())[:500]
        self.parameters = _schema(function, _described(about))

    def announcement(self) -> dict[str, Any]:
        """As the robot announces it."""
        named = {"name": self.name, "description": self.description}
        return {**named, "parameters": self.parameters}

    def __call__(self, arguments: dict[str, Any]) -> Outcome:
        """Calls it; what goes wrong becomes a sentence."""
        wrong = fault(arguments, self.parameters, "the call")
        if wrong:
            return Outcome(False, error=wrong)
        try:
            value = self.function(**arguments)
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
            text = json.dumps(value, allow_nan=False)
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            return Outcome(False, error=f"{type(error).__name__}: {said}")
        if len(text) > LARGEST:
            return Outcome(False, error=f"the result has more than {LARGEST} characters")
        return Outcome(True, value)


def load(path: Path) -> tuple[dict[str, Tool], Callable[[], Any] | None]:
    """The tools of a file, and what it does to stand still.

    Args:
        path: a Python file; every function defined in it is a tool, but for names that begin with
            an underscore.

    Raises:
        UserError: The file cannot be imported, or a function cannot be a tool.
    """
    if not path.is_file():
        raise UserError(f"There is no file '{path}': check its name.")
    spec = importlib.util.spec_from_file_location(f"antiphon_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"'{path}' is no Python file: give one whose name ends with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(
            f"'{path}' cannot be imported ({type(error).__name__}: {error}): mend it."
        ) from error
    own = {
        name: each
        for name, each in vars(module).items()
        if inspect.isfunction(each) and each.__module__ == spec.name and not name.startswith("_")
    }
    stop = own.pop(ON_STOP, None)
    return {name: Tool(each) for name, each in own.items()}, stop


def _schema(function: Callable[..., Any], described: dict[str, str]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:
        raise UserError(f"A type hint of '{function.__name__}' is wrong ({error}).") from error
    properties, required = {}, []
    for name, parameter in inspect.signature(function).parameters.items():
        where = f"parameter '{name}' of the tool '{function.__name__}'"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UserError(f"The {where} takes anything: name what the tool needs.")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise UserError(f"The {where} has no name to its callers: remove the slash.")
        if name not in hints:
            raise UserError(f"The {where} has no type hint: give it one, like '{name}: str'.")
        properties[name] = _of_hint(hints[name], where)
        if name in described:
            properties[name]["description"] = described[name][:300]
        if parameter.default is parameter.empty:
            required.append(name)
        elif isinstance(parameter.default, (str, int, float, bool)):
            properties[name]["default"] = parameter.default
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _of_hint(hint: Any, where: str) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal and all(isinstance(each, (str, int)) for each in inner):
        kinds = sorted({_PLAIN[type(each)] for each in inner})
        return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": list(inner)}
    if origin is list and inner:
        return {"type": "array", "items": _of_hint(inner[0], where)}
    if origin in (Union, types.UnionType) and type(None) in inner and len(inner) == 2:
        other = _of_hint(inner[0] if inner[1] is type(None) else inner[1], where)
        kinds = [other["type"]] if isinstance(other["type"], str) else other["type"]
        other["type"] = [*kinds, "null"]
        if "enum" in other:
            other["enum"] = [*other["enum"], None]
        return other
    raise UserError(
        f"The {where} has a type hint that JSON does not know: "
        "use str, int, float, bool, Literal, list of these, or one of them or None."
    )


def _described(about: str) -> dict[str, str]:
    """Parameters as a docstring in Google's style describes them."""
    _, _, section = about.partition("Args:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.split("\n"):
        entry = re.match(r"    (\w+)(?: \(.*?\))?: (.*)", line)
        if entry:
            name = entry[1]
            found[name] = entry[2].strip()
        elif name and line.startswith("     "):
            found[name] += " " + line.strip()
        elif line.strip():
            break
    return found
