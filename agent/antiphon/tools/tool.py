"""What a robot can do: name, description and the JSON Schema of the arguments."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

from antiphon.errors import UserError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
TYPES = ("string", "number", "integer", "boolean")
_PYTHON: dict[Any, str] = {str: "string", float: "number", int: "integer", bool: "boolean"}
MAX_DESCRIPTION = 500
"""Characters of a description."""

Kind = Literal["string", "number", "integer", "boolean"]


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool."""

    name: str
    kind: Kind
    description: str = ""
    options: tuple[Any, ...] = ()
    """The only values allowed; empty if there is no such list."""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None
    """Characters of a string."""

    def allows(self, value: Any) -> bool:
        """Whether the schema allows a value of the right kind."""
        if self.options:
            return value in self.options
        if self.kind in ("number", "integer"):
            whole = self.kind == "number" or float(value).is_integer()
            above = self.minimum is None or value >= self.minimum
            return whole and above and (self.maximum is None or value <= self.maximum)
        return self.kind != "string" or self.longest is None or len(value) <= self.longest


@dataclass(frozen=True)
class Tool:
    """An ability."""

    name: str
    """Letters, digits, - and _, at most 64."""
    description: str
    """What it does, in one short sentence; this is what decides whether it is called."""
    schema: dict[str, Any] = field(default_factory=dict)
    """JSON Schema of the arguments: an object."""
    says: str | None = None
    """The answer when it is done: "It is {value} degrees."; names of arguments and of what the
    tool returned stand in braces."""
    confirm: bool = False
    """Whether it is read back and used only after a yes."""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The arguments one can say.

        Raises:
            UserError: the schema asks for something that cannot be said.
        """
        return tuple(self._parameters())

    def _parameters(self) -> typing.Iterator[Parameter]:
        required = self.schema.get("required", ())
        for name, facts in self.schema.get("properties", {}).items():
            kind = _kind(facts) if isinstance(facts, Mapping) else None
            if kind is None:
                if name in required:
                    raise UserError(
                        f"Tool '{self.name}' requires '{name}', which nobody can say: give it the "
                        f"type {', '.join(TYPES)} or an enum, or make it optional."
                    )
                continue
            yield Parameter(
                name,
                kind,
                str(facts.get("description", "")),
                tuple(facts.get("enum", ())) or ((facts["const"],) if "const" in facts else ()),
                name in required,
                facts.get("minimum"),
                facts.get("maximum"),
                facts.get("maxLength"),
            )

    @classmethod
    def parse(cls, announced: object) -> Tool:
        """A tool as a robot announces it: name, description, parameters, and maybe says, confirm.

        Raises:
            UserError: saying what is wrong with the announcement.
        """
        if not isinstance(announced, Mapping):
            raise UserError("A tool must be an object with name, description and parameters.")
        name, description = announced.get("name"), announced.get("description")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UserError(
                f"A tool cannot be called {str(name)[:80]!r}: use 1 to 64 letters, digits, - or _."
            )
        if not isinstance(description, str) or not description.strip():
            raise UserError(f"Tool '{name}' has no description: say in a sentence what it does.")
        if len(description) > MAX_DESCRIPTION:
            raise UserError(
                f"The description of tool '{name}' is longer than {MAX_DESCRIPTION} characters: "
                "shorten it."
            )
        schema = announced.get("parameters", announced.get("schema", {}))
        if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
            raise UserError(
                f"The parameters of tool '{name}' must be a JSON Schema of type object."
            )
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, Mapping):
            raise UserError(f"The properties of tool '{name}' must be an object.")
        if not isinstance(required, list) or any(r not in properties for r in required):
            raise UserError(
                f"What tool '{name}' requires must be a list of names from its properties."
            )
        says = announced.get("says")
        if says is not None and not isinstance(says, str):
            raise UserError(f"What tool '{name}' says must be a text.")
        confirm = announced.get("confirm", False)
        if not isinstance(confirm, bool):
            raise UserError(f"Whether tool '{name}' asks for a yes must be true or false.")
        tool = cls(name, description.strip(), dict(schema), says, confirm)
        _ = tool.parameters
        return tool

    @classmethod
    def from_function(cls, function: Callable[..., Any]) -> Tool:
        """A Python function as a tool: its name, docstring, and annotated parameters.

        The first paragraph of the docstring is the description; lines `name: text` after it (as
        in a Google-style "Args:") describe parameters. `Literal[...]` becomes an enum. Attributes
        `says` and `confirm` of the function are those of the tool.

        Raises:
            UserError: the function has no docstring, or a parameter that cannot be spoken.
        """
        doc = inspect.getdoc(function) or ""
        about = dict(re.findall(r"^\s*(\w+)(?: \([^)]*\))?: (.+)$", doc, re.M))
        hints = typing.get_type_hints(function)
        properties, required = {}, []
        for name, parameter in inspect.signature(function).parameters.items():
            properties[name] = {**_facts(hints.get(name, str)), "description": about.get(name, "")}
            if parameter.default is parameter.empty:
                required.append(name)
        return cls.parse(
            {
                "name": getattr(function, "__name__", "tool").strip("_"),
                "description": " ".join(doc.split("\n\n")[0].split()),
                "parameters": {"type": "object", "properties": properties, "required": required},
                "says": getattr(function, "says", None),
                "confirm": getattr(function, "confirm", False),
            }
        )

    def announcement(self) -> dict[str, Any]:
        """The tool as `parse` reads it."""
        told: dict[str, Any] = {"name": self.name, "description": self.description}
        told["parameters"] = {"type": "object", **self.schema}
        if self.says is not None:
            told["says"] = self.says
        if self.confirm:
            told["confirm"] = True
        return told


def _kind(facts: Mapping[str, Any]) -> Kind | None:
    """The kind of a property; None if it is none a person can say."""
    named = facts.get("type")
    options = facts.get("enum") or ([facts["const"]] if "const" in facts else [])
    if isinstance(named, list):
        named = next((n for n in named if n != "null"), None)
    if named is None and options:
        named = "string" if isinstance(options[0], str) else "number"
        named = "boolean" if isinstance(options[0], bool) else named
    return cast("Kind", named) if named in TYPES else None


def _facts(hint: Any) -> dict[str, Any]:
    """JSON Schema of a type hint; the type "object" for what cannot be said."""
    if typing.get_origin(hint) is Literal:
        return {"enum": list(typing.get_args(hint))}
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        chosen = [a for a in typing.get_args(hint) if a is not type(None)]
        return _facts(chosen[0]) if len(chosen) == 1 else {"type": "object"}
    return {"type": _PYTHON.get(hint, "object")}


def words_of(name: str) -> str:
    """A name in words: setLight-colour is set light colour."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", name)
    return " ".join(spaced.lower().split())
