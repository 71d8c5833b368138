"""`antiphon weights`: what pretrained weights there are, and whether they are in order."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon import settings, weights
from antiphon.cli.output import Json, chatter_to_stderr, print_json
from antiphon.errors import UserError
from antiphon.weights.entry import Entry

app = typer.Typer(
    help="List, fetch and check pretrained weights.", no_args_is_help=True, add_completion=False
)

Name = Annotated[str, typer.Argument(help="A name of `antiphon weights list`.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of `antiphon weights list`.")
]


@app.command("list")
def list_(json: Json = False) -> None:
    """Show all pretrained weights: licence, size of the download, and whether they are cached."""
    rows = [
        {
            "name": entry.name,
            "about": entry.about,
            "licence": entry.licence,
            "source": entry.source,
            "megabytes": entry.megabytes,
            "cached": weights.is_ready(entry),
        }
        for entry in weights.ENTRIES.values()
    ]
    if json:
        print_json({"cache": weights.cache(), "weights": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("name", "licence", "MB", "cached", "about"):
        table.add_column(column, justify="right" if column == "MB" else "left")
    for row in rows:
        cached = "yes" if row["cached"] else "no"
        table.add_row(
            f"[bold]{row['name']}", str(row["licence"]), str(row["megabytes"]), cached,
            str(row["about"]),
        )  # fmt: skip
    Console().print(table)
    print(f"\nKept in {weights.cache()}")


@app.command()
def fetch(
    names: Names = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what only training and evaluation need.")
    ] = False,
    json: Json = False,
) -> None:
    """Fetch weights, or check every byte of those already there and repair what is damaged.

    Without a name: what `antiphon ask` needs.
    """
    wanted = names or needed()
    if everything:
        others = [e.name for e in weights.ENTRIES.values() if e.kind != "language model"]
        wanted = list(dict.fromkeys([*wanted, *others]))
    with chatter_to_stderr():
        folders = {name: weights.fetch(name) for name in wanted}
    if json:
        print_json({"weights": folders})
        return
    for folder in folders.values():
        print(folder)


@app.command()
def path(name: Name, json: Json = False) -> None:
    """Print the folder of ready weights; fetch them first if they are not cached."""
    with chatter_to_stderr():
        folder = weights.path(name)
    if json:
        print_json({"name": name, "path": folder})
    else:
        print(folder)


@app.command()
def verify(names: Names = None, json: Json = False) -> None:
    """Check every byte of cached weights against their SHA-256.

    Without a name: all that are cached. Exit code 2 if something is damaged or missing.
    """
    for name in names or ():
        if name not in weights.ENTRIES:
            raise UserError(f"There are no weights named '{name}': see `antiphon weights list`.")
    entries = [
        entry
        for entry in weights.ENTRIES.values()
        if (entry.name in names if names else weights.is_present(entry))
    ]
    states = {entry.name: _state(entry) for entry in entries}
    if json:
        print_json({"weights": states})
    else:
        for name, state in states.items():
            print(f"{name}: {state}")
    if bad := [name for name, state in states.items() if state != "ok"]:
        raise UserError(
            f"Not in order: {', '.join(bad)}. Run `antiphon weights fetch {' '.join(bad)}`."
        )


def needed() -> list[str]:
    """What answering a question needs, by the settings.

    A folder, a hub id or a server needs no fetching; a voice that was trained for another language
    model needs that one's vocabulary.
    """
    from antiphon.llm import sentence_encoder
    from antiphon.t2c.voice import trained_for

    models = settings.load(settings.Models)
    llms = trained_for(models.voice)
    vocabulary = () if models.llm in llms else llms[:1]
    names = (models.recognizer, models.llm, *vocabulary, sentence_encoder.NAME)
    return [name for name in names if name in weights.ENTRIES]


def _state(entry: Entry) -> str:
    """In a word or a few: ok, missing, or which files are damaged."""
    if not weights.is_present(entry):
        return "missing"
    files = weights.damaged(entry)
    return f"damaged: {', '.join(files)}" if files else "ok"
