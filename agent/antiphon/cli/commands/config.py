"""`antiphon config`: every setting, its value, and where the value comes from."""

from __future__ import annotations

import re
from typing import Any

import typer

from antiphon import settings
from antiphon.cli.output import Json, print_json

app = typer.Typer(add_completion=False)


@app.command()
def config(json: Json = False) -> None:
    """Print every setting, its value, and where the value comes from.

    Later ones win: the default, the environment (ANTIPHON_VOICE), antiphon.toml ([models] voice),
    an option of a command (--voice). The file is the one in $ANTIPHON_CONFIG, ./antiphon.toml, or
    antiphon/antiphon.toml in your folder of configurations.
    """
    rows = {table: list(settings.values(section)) for table, section in sections().items()}
    if json:
        print_json(
            {
                table: {v.name: {"value": shown(v.value), "from": v.origin} for v in values}
                for table, values in rows.items()
            }
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("setting", "value", "from", "about"):
        table.add_column(column, overflow="fold")
    for name, values in rows.items():
        table.add_row(f"[bold]\\[{name}][/bold]")
        for each in values:
            value = "" if each.value is None else str(shown(each.value))
            table.add_row(each.name, value, each.origin, each.about)
    Console().print(table)


def sections() -> dict[str, type[Any]]:
    """All sections by their table, those of the transports last."""
    from antiphon.transports import transport

    found = {name: settings.SECTIONS.get(name) for name in settings.SECTIONS.names()}
    for section in transport.sections().values():
        found[settings.table_of(section)] = section
    return found


def shown(value: Any) -> Any:
    """A value without the password it may hold."""
    return re.sub(r"(//[^:@/]*):[^@/]*@", r"\1:***@", value) if isinstance(value, str) else value
