"""The small typed configuration that lies beside weights."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from antiphon.errors import UserError

C = TypeVar("C")


def read_config(folder: Path, kind: type[C]) -> C:
    """Reads `config.json` in a folder of weights; keys that `kind` does not have are left out.

    Args:
        folder: of the weights.
        kind: a dataclass.

    Raises:
        UserError: The file is missing, is no JSON, or lacks something.
    """
    from pydantic import TypeAdapter, ValidationError

    path = folder / "config.json"
    try:
        facts = json.loads(path.read_text("utf-8"))
        known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
        return TypeAdapter(kind).validate_python({k: v for k, v in facts.items() if k in known})
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no config.json: give the folder of a model.") from error
    except (OSError, ValueError, AttributeError) as error:
        if isinstance(error, ValidationError):
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "it"
            raise UserError(f"{path} does not fit: {where}: {fault['msg'].lower()}.") from error
        raise UserError(f"{path} cannot be read ({error}): fetch it again.") from error
