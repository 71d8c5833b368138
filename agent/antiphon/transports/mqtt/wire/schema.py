"""Checks values against the part of JSON Schema that messages and tools need.

The full standard is a large dependency for a robot; the tests hold this part against it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}


def fault(value: Any, schema: Schema, at: str = "it") -> str | None:
    """What is wrong with a value, as half a sentence; None if nothing is.

    Args:
        value: as `json.loads` gave it.
        schema: uses type, enum, the limits of numbers, strings, arrays and objects, pattern,
            items, properties, required and additionalProperties; other keywords say nothing.
        at: what the value is called.
    """
    wanted = schema.get("type")
    if wanted is not None:
        names = [wanted] if isinstance(wanted, str) else wanted
        if not any(_TYPES[name](value) for name in names if name in _TYPES):
            return f"{at} must be of type {' or '.join(names)}"
    if "enum" in schema and not any(_same(value, known) for known in schema["enum"]):
        return f"{at} must be one of {', '.join(map(str, schema['enum']))}"
    if _TYPES["number"](value):
        return _limits(value, schema, "minimum", "maximum", at, "")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return f"{at} must match {schema['pattern']}"
        return _limits(len(value), schema, "minLength", "maxLength", at, " characters")
    if isinstance(value, list):
        return _limits(len(value), schema, "minItems", "maxItems", at, " items") or _first(
            fault(item, schema.get("items", {}), f"{at}[{index}]")
            for index, item in enumerate(value)
        )
    if isinstance(value, dict):
        return _object(value, schema, at)
    return None


def _object(value: dict[str, Any], schema: Schema, at: str) -> str | None:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{at} lacks '{missing[0]}'"
    unknown = [name for name in value if name not in known]
    if unknown and others is False:
        return f"{at} has '{unknown[0][:40]}', which is unknown"
    rules = others if isinstance(others, Mapping) else {}
    return _limits(len(value), schema, "minProperties", "maxProperties", at, " fields") or _first(
        fault(item, known.get(name, rules), f"'{name[:40]}'") for name, item in value.items()
    )


def _limits(size: float, schema: Schema, least: str, most: str, at: str, of: str) -> str | None:
    if size < schema.get(least, -math.inf):
        return f"{at} must be at least {schema[least]}{of}"
    if size > schema.get(most, math.inf):
        return f"{at} must be at most {schema[most]}{of}"
    return None


def _same(value: Any, known: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return value == known and isinstance(value, bool) == isinstance(known, bool)


def _first(faults: Any) -> str | None:
    return next((found for found in faults if found), None)
