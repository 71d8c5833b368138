"""Items that a client brings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from antiphon.transports.realtime.protocol.client_events import GivenItem
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.formats import Format, decode
from antiphon.transports.realtime.protocol.items import Item, new_id

ROLES = {
    "user": ("input_text", "input_audio", "text", "audio"),
    "assistant": ("output_text", "output_audio", "text", "audio"),
    "system": ("input_text", "text"),
}
"""Contents that a role can have; those without a direction are of the beta version."""


def item_of(
    given: GivenItem, form: Format, param: str = "item"
) -> tuple[Item, NDArray[np.float32] | None]:
    """An item, and its sound if that is all there is of it.

    Args:
        given: by the client.
        form: of sound.
        param: names the field that holds it.

    Raises:
        ApiError: Something is missing, or does not go together.
    """
    name = given.id or new_id("item")
    if given.type == "function_call":
        require(given, param, "name", "arguments")
        item = Item("function_call", name, name=given.name, arguments=given.arguments)
        item.call_id = given.call_id or item.id
        return item, None
    if given.type == "function_call_output":
        require(given, param, "call_id", "output")
        item = Item("function_call_output", name, call_id=given.call_id, output=given.output)
        return item, None
    if given.type == "item_reference":
        raise ApiError(
            "Items are referred to in the input of a response only.",
            "invalid_value",
            f"{param}.type",
        )
    require(given, param, "role")
    role = given.role or "user"
    texts, sounds = [], []
    for index, part in enumerate(given.content):
        where = f"{param}.content[{index}]"
        if part.type not in ROLES[role]:
            raise ApiError(
                f"An item of the {role} cannot hold {part.type!r}.",
                "invalid_value",
                f"{where}.type",
            )
        said = part.text if part.text is not None else part.transcript
        if said is not None:
            texts.append(said)
        elif part.type == "input_audio" and part.audio is not None:
            sounds.append(decode(part.audio, form, f"{where}.audio"))
        else:
            field = "audio" if part.type == "input_audio" else "text"
            raise ApiError(
                f"Missing required parameter: '{where}.{field}'.",
                "missing_required_parameter",
                f"{where}.{field}",
            )
    if not given.content:
        raise ApiError(
            f"Missing required parameter: '{param}.content'.",
            "missing_required_parameter",
            f"{param}.content",
        )
    item = Item("message", name, role=role, text=" ".join(texts) if texts else None)
    item.spoken = not texts
    return item, np.concatenate(sounds) if sounds and not texts else None


def require(given: GivenItem, param: str, *names: str) -> None:
    """Check that an item has what its type needs.

    Raises:
        ApiError: It lacks something.
    """
    for name in names:
        if getattr(given, name) is None:
            raise ApiError(
                f"Missing required parameter: '{param}.{name}'.",
                "missing_required_parameter",
                f"{param}.{name}",
            )
