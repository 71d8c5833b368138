"""What jobs of `antiphon train` are told alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.options import Only, given_or
from antiphon.errors import UserError
from antiphon.settings import Models, Paths, Training

Folders = Annotated[Paths, Only("data", "work")]
Data = Annotated[Path, given_or(Paths, "data")]
Limits = Annotated[Training, Only("minutes", "training_threads")]
Out = Annotated[Path, typer.Option(help="Folder of the finished weights.")]
OwnOut = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the finished weights; else, with --llm, one below $ANTIPHON_ASSETS or "
        "assets, where they are found.",
    ),
]
VoiceOnly = Annotated[Models, Only("voice")]
LanguageModel = Annotated[
    str | None,
    typer.Option("--llm", help="Any language model: its name, folder or hub id."),
]
Device = Annotated[
    str, typer.Option(help="Where the language model computes: auto, cuda, mps or cpu.")
]
Steps = Annotated[int, typer.Option(help="Length of the whole run.")]
Seed = Annotated[int, typer.Option(help="Of corpora, weights and batches.")]


def prepare(data: Path, folder: str, threads: int = 0, device: str = "cpu") -> str:
    """Check that there is what the job reads and where it learns; set the number of threads.

    Returns:
        The device, by PyTorch's name.

    Raises:
        UserError: There is not.
    """
    if not (data / folder).is_dir():
        raise UserError(f"{data} has no folder {folder}: give the data folder of docs/data.md")
    if device == "cpu" and not threads:
        return device
    import torch

    from antiphon.compute import torch_device

    if threads:
        torch.set_num_threads(threads)
    return str(torch_device.use(device))
