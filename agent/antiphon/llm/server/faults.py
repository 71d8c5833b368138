"""What can go wrong with a language model's server, each as the end of one clear sentence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SEE_LOG = "ask again, and see its log if it goes on."
WRONG_ADDRESS = "give the address of its API, which often ends in /v1."
BROKE_OFF = f"broke off before its answer was complete: {SEE_LOG}"
NO_ANSWER = f"sent what is no answer of a language model: {WRONG_ADDRESS}"
SHOWN_NAMES = 6
"""Models that are named where one has to be chosen."""
SHOWN_LETTERS = 160
"""Of what a server says itself."""


class Fault(Exception):  # noqa: N818, it becomes a `UserError`
    """What a server did, and what to do about it: "is asleep: wake it.".

    The sentence begins with the server's name.
    """


def refusal(status: int, body: bytes, key: str | None, model: str, names: Sequence[str]) -> Fault:
    """A status other than 200.

    Args:
        status: of HTTP.
        body: of the response.
        key: the variable that the key comes from; None: there is no key.
        model: that was asked.
        names: models that the server has, if it says.
    """
    said = explanation(body)
    told = f"{status}: {said}" if said else str(status)
    if status in (401, 403):
        if key is None:
            return Fault(f"wants a key ({told}): put it into ANTIPHON_LLM_KEY.")
        return Fault(f"does not accept the key ({told}): mend {key}.")
    if status == 404 and names:
        return Fault(f"has no model '{model}' ({told}): choose {listed(names)}.")
    if status in (404, 405):
        return Fault(f"has no language model there ({told}): {WRONG_ADDRESS}")
    if status == 429:
        return Fault(f"takes no more requests now ({told}): wait, or look at your plan there.")
    if status == 503:
        return Fault(f"is not ready ({told}): ask again in a moment.")
    if 300 <= status < 400:
        return Fault(f"sends elsewhere ({told}): give the address it has moved to.")
    if status >= 500:
        return Fault(f"failed ({told}): {SEE_LOG}")
    return Fault(f"does not take the request ({told}): change it by the setting llm_request.")


def failure(error: Any) -> Fault:
    """An error that was sent in the place of an answer."""
    said = explanation(json.dumps({"error": error}).encode())
    return Fault(f"failed ({said or 'it does not say why'}): {SEE_LOG}")


def explanation(body: bytes) -> str:
    """What a server says itself, in one line; empty if it is not for people."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    for key in ("error", "message", "detail"):  # of objects within each other
        said = said.get(key, said) if isinstance(said, dict) else said
    if not isinstance(said, str):
        return ""
    line = " ".join(said.split()).rstrip(".")
    return line if len(line) <= SHOWN_LETTERS else line[: SHOWN_LETTERS - 1] + "…"


def listed(names: Sequence[str]) -> str:
    """Some names, to choose from."""
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
