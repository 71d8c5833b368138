"""MQTT as a transport of `antiphon serve`, and the settings both ends share."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from antiphon.errors import UserError
from antiphon.settings import setting

if TYPE_CHECKING:
    from antiphon.runtime.options import Options
    from antiphon.transports.transport import Host, Serve


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MqttSettings:
    """The broker, and how sound travels over it."""

    TABLE: ClassVar[str] = "mqtt"

    mqtt: str | None = setting(
        None,
        "The broker: mqtts://USER:PASSWORD@HOST:PORT. In the environment variable ANTIPHON_MQTT "
        "nobody sees the password in the list of processes.",
        metavar="URL",
    )
    ca: Path | None = setting(None, "Certificate of the authority that signed the broker's.")
    insecure: bool = setting(
        False, "Allow no encryption, no user, any certificate.", flags=("--insecure",)
    )
    encodec: Path | None = setting(
        None,
        "Offer sound in EnCodec, too: its weights, the same for agent and robot.",
        metavar="FOLDER",
    )

    def url(self) -> str:
        """The broker's address.

        Raises:
            UserError: None is given.
        """
        if self.mqtt is None:
            raise UserError("There is no broker: give --mqtt URL, or set ANTIPHON_MQTT.")
        return self.mqtt


@dataclass(frozen=True)
class MqttServerSettings(MqttSettings):
    """The same for the agent's end."""

    robots: int = setting(16, "Robots at the same time.")
    hermes: bool = setting(
        False, "Talk with Rhasspy's satellites (Hermes), too.", flags=("--hermes",)
    )


class MqttTransport:
    """Robots over MQTT."""

    settings = MqttServerSettings

    def prepare(self, chosen: MqttServerSettings, options: Options) -> Serve | None:
        """Check broker and formats; see `Transport`."""
        from antiphon.runtime.frames import RATE
        from antiphon.transports.mqtt.wire.broker import parse
        from antiphon.transports.mqtt.wire.formats.negotiation import have

        if chosen.mqtt is None:
            return None
        if chosen.robots < 1:
            raise UserError(f"{chosen.robots} robots cannot be served: give 1 or more.")
        broker = parse(chosen.mqtt, ca=chosen.ca, insecure=chosen.insecure)
        formats = have(RATE, options.sample_rate, opus="if there", encodec=chosen.encodec)
        if problem := broker.problem():  # said before models are loaded, not after
            log.warning(
                "The broker %s is not to be reached (%s): start it, or check its address; "
                "trying again while the models are loaded.",
                broker.name,
                problem,
            )

        async def serve(host: Host) -> None:
            from antiphon.transports.mqtt.server.server import Server

            server = Server(
                broker, host.converse, formats=formats, max_robots=chosen.robots, say=host.say
            )
            if chosen.hermes:
                from antiphon.transports.hermes.bridge import bridge

                await bridge(server)
            else:
                await server.run()

        return serve


MQTT = MqttTransport()
