"""Checks what a client sends against a model, and names the field that is wrong."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from antiphon.transports.realtime.protocol.errors import ApiError

M = TypeVar("M", bound=BaseModel)

CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "union_tag_invalid": "invalid_value",
    "union_tag_not_found": "missing_required_parameter",
    "literal_error": "invalid_value",
}
"""Our codes for pydantic's."""


class Strict(BaseModel):
    """A part of the protocol: no unknown fields, no values of other types."""

    model_config = ConfigDict(extra="forbid", strict=True)


def parse(text: str) -> dict[str, Any]:
    """A message of a client.

    Raises:
        ApiError: It is no JSON object.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ApiError(f"The message is no JSON ({reason}).", "invalid_json") from error
    if not isinstance(found, dict):
        raise ApiError("The message is no JSON object.", "invalid_json")
    return found


def check(model: type[M], given: Any, prefix: str = "", tags: frozenset[str] = frozenset()) -> M:
    """What was given as a model.

    Args:
        model: what it has to be.
        given: what came.
        prefix: in front of the names of fields.
        tags: of unions, which pydantic puts between the names of fields.

    Raises:
        ApiError: It is something else.
    """
    try:
        return model.model_validate(given)
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise ApiError("The message is nested too deeply.", "invalid_json") from error
        first = error.errors(include_url=False, include_input=False)[0]
        names = [each for each in first["loc"] if each not in tags]
        path = prefix + "".join(f"[{n}]" if isinstance(n, int) else f".{n}" for n in names)
        path = path.lstrip(".")[:200]
        code = CODES.get(first["type"], "invalid_type")
        if not first["type"].endswith("_type") and first["type"] not in CODES:
            code = "invalid_value"
        what = {
            "missing_required_parameter": f"Missing required parameter: '{path}'.",
            "unknown_parameter": f"Unknown parameter: '{path}'.",
        }.get(code, f"Invalid value for '{path}': {lower(first['msg'])}.")
        raise ApiError(what, code, path or None) from error


def lower(sentence: str) -> str:
    """A sentence as the end of another one."""
    return sentence[:1].lower() + sentence[1:300].rstrip(".")
