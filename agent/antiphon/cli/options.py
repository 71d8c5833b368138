"""Options that several commands have, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Microphone = Annotated[
    str | None, typer.Option("--input", help="The microphone: a part of its name, or number.")
]
Speaker = Annotated[
    str | None, typer.Option("--output", help="The speaker: a part of its name, or number.")
]
Files = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        metavar="IN.wav OUT.wav",
        help="Hear one sound file and write another on the same clock, instead of devices.",
    ),
]
Patience = Annotated[
    float,
    typer.Option(help="How long it waits for an unfinished sentence to go on; 1 is 1.5 s."),
]
Ears = Annotated[
    Literal["s2t", "cascade"], typer.Option(help="Hear directly, or transcribe first.")
]
Voice = Annotated[str, typer.Option(help="A voice: its name or folder.")]
LanguageModel = Annotated[str, typer.Option(help="A language model: its name, folder or hub id.")]
Mqtt = Annotated[
    str,
    typer.Option(
        metavar="URL",
        envvar="ANTIPHON_MQTT",
        help="The broker: mqtts://USER:PASSWORD@HOST:PORT. In the environment variable nobody "
        "sees the password in the list of processes.",
    ),
]
Ca = Annotated[
    Path | None, typer.Option(help="Certificate of the authority that signed the broker's.")
]
Encodec = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Offer sound in EnCodec, too: its weights, the same for agent and robot.",
    ),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow no encryption, no user, any certificate.")
]
