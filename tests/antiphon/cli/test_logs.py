"""-v and -q: how much a command says on standard error about what it does."""

from __future__ import annotations

import logging

import pytest
from typer.testing import CliRunner

from antiphon.cli import main


@pytest.fixture(autouse=True)
def talkative(monkeypatch):
    """A command that logs at every level, as a library beneath it does; then all is as before."""

    def spoken(*args):
        logger = logging.getLogger("antiphon.weights.store")
        logger.debug("a detail")
        logger.info("a fact")
        logger.warning("a warning")
        logging.getLogger("library").debug("a library's detail")
        return {}

    monkeypatch.setattr("antiphon.weights.ENTRIES", {})
    monkeypatch.setattr("antiphon.weights.cache", spoken)
    yield
    logging.basicConfig(handlers=[logging.NullHandler()], level=logging.WARNING, force=True)
    for package in ("antiphon", "antiphon_codecs"):
        logging.getLogger(package).setLevel(logging.NOTSET)


def heard(*args):
    result = CliRunner().invoke(main.app, ["weights", "list", *args])
    assert result.exit_code == 0, result.output
    return result.stderr


def test_facts_are_plain_lines_by_default():
    assert heard() == "a fact\na warning\n"


def test_more_tells_details_with_time_and_module():
    said = heard("-v")
    assert "a detail" in said and "library's" not in said
    assert "DEBUG   antiphon.weights.store: a detail" in said
    assert "a library's detail" in heard("-vv")


def test_quiet_leaves_warnings():
    assert heard("--quiet") == "a warning\n"


def test_every_command_has_the_options():
    for name in main.COMMANDS:
        result = CliRunner().invoke(main.app, [name, "--help"])
        below = "--verbose" in result.stdout
        assert below or "Commands" in result.stdout, name


def test_nothing_goes_to_standard_output():
    result = CliRunner().invoke(main.app, ["weights", "list", "-v", "--json"])
    assert result.stdout.startswith("{") and "detail" not in result.stdout
