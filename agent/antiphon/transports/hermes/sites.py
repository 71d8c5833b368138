"""Site ids of Hermes as names of robots: nearly every one will do."""

from __future__ import annotations

import hashlib
import re

from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.topics import SERVER, is_name

MAX_LENGTH = 200
"""Characters of a site id."""
DEFAULT = "default"
"""What Hermes calls a site that has no name."""


def site_of(value: object) -> str:
    """The site id that a message gives; the default one if it gives none.

    Raises:
        MalformedError: It cannot stand in a topic of MQTT.
    """
    site = DEFAULT if value is None else value
    if not isinstance(site, str) or not site or len(site) > MAX_LENGTH:
        raise MalformedError(f"a site id must be a text of 1 to {MAX_LENGTH} characters")
    if re.search(r"[/+#\x00]", site):
        raise MalformedError("a site id cannot have '/', '+' or '#' in it, which MQTT's topics use")
    return site


def robot_of(site: str) -> str:
    """What the robot is called that stands for a site; never the same for two sites."""
    if is_name(site) and site != SERVER:
        return site
    readable = re.sub(r"[^A-Za-z0-9]+", "-", site).strip("-")[:40] or "site"
    return f"{readable}-{hashlib.sha256(site.encode()).hexdigest()[:8]}"
