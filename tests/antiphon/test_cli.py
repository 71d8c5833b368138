"""The command speaks plainly: help at once, one sentence for a mistake, one object for --json."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

import antiphon
from antiphon import weights
from antiphon.cli import main, output
from antiphon.cli.output import Json, chatter_to_stderr, print_json
from antiphon.errors import UserError
from antiphon.weights import store


def run(*args: str):
    return CliRunner().invoke(main.app, list(args))


@pytest.fixture
def command(monkeypatch):
    """Puts a command of the test's own in the place of `antiphon say`."""

    def put(function):
        module: Any = types.ModuleType("antiphon.cli.commands.say")
        module.app = typer.Typer(add_completion=False)
        module.app.command()(function)
        monkeypatch.setitem(sys.modules, "antiphon.cli.commands.say", module)

    return put


def test_help_lists_every_command():
    result = run("--help")
    assert result.exit_code == 0
    assert all(name in result.output for name in main.COMMANDS)


def test_help_is_fast_and_imports_nothing_heavy():
    code = (
        "import sys, time; from antiphon.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'numpy', 'soundfile'} & set(sys.modules)\n"
        "print(sorted(heavy), time.process_time() < 1, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[] True\n" and "ask" in done.stdout


def test_version():
    result = run("--version")
    assert result.output == f"antiphon {antiphon.__version__}\n" and result.exit_code == 0


def test_a_slip_of_the_finger_gets_a_suggestion():
    result = run("weight")
    assert result.exit_code == 2 and "weights" in result.stderr and result.stdout == ""


def test_a_user_error_is_one_sentence_and_exit_code_2(command):
    @command
    def say() -> None:
        raise UserError("There is no sound file 'a.wav': check its name.")

    result = run("say")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr == "antiphon: There is no sound file 'a.wav': check its name.\n"


def test_ctrl_c_is_clean(command):
    @command
    def say() -> None:
        raise KeyboardInterrupt

    result = run("say")
    assert result.exit_code == 130 and "Traceback" not in result.output


def test_a_mistake_of_ours_is_not_hidden(command):
    @command
    def say() -> None:
        raise RuntimeError("bug")

    assert isinstance(run("say").exception, RuntimeError)


def test_json_is_exactly_one_object(command):
    @command
    def say(json: Json = False) -> None:
        with chatter_to_stderr():
            print("a library says hello")
        if json:
            print_json({"wer": float("nan"), "texts": ("ä", None)})

    result = run("say", "--json")
    assert result.stdout == '{"wer": null, "texts": ["ä", null]}\n'
    assert "a library says hello" in result.stderr


def test_json_of_numbers_that_are_not_pythons():
    plain = output._plain(
        {
            "array": np.array([1.5, np.inf]),
            "scalar": np.float32(0.5),
            "integer": np.int64(3),
            "tensor": torch.tensor([1, 2]),
            "path": Path("a.wav"),
            "yes": True,
            3: {"deep": [float("-inf")]},
        }
    )
    assert plain == {
        "array": [1.5, None],
        "scalar": 0.5,
        "integer": 3,
        "tensor": [1, 2],
        "path": "a.wav",
        "yes": True,
        "3": {"deep": [None]},
    }


def test_weights_list(empty_cache):
    listed = json.loads(run("weights", "list", "--json").stdout)
    assert listed["cache"] == str(empty_cache)
    assert [row["name"] for row in listed["weights"]] == list(weights.ENTRIES)
    assert not any(row["cached"] for row in listed["weights"])
    assert "whisper-tiny.en" in run("weights", "list").stdout


def test_weights_path_and_fetch(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "path", lambda name: tmp_path / name)
    monkeypatch.setattr(weights, "fetch", lambda name: tmp_path / name)
    assert run("weights", "path", "x").stdout == f"{tmp_path / 'x'}\n"
    assert json.loads(run("weights", "path", "x", "--json").stdout)["path"] == str(tmp_path / "x")
    assert set(json.loads(run("weights", "fetch", "--json").stdout)["weights"]) == {
        "whisper-tiny.en",
        "smollm2-135m-instruct",
        "minilm-l6",
    }
    everything = json.loads(run("weights", "fetch", "--all", "--json").stdout)["weights"]
    larger = {"qwen2.5-0.5b", "qwen2.5-1.5b"}  # which nobody asked for
    assert set(everything) == set(weights.ENTRIES) - larger
    assert run("weights", "fetch", "x", "y").stdout.splitlines() == [
        str(tmp_path / "x"),
        str(tmp_path / "y"),
    ]


def test_weights_verify(empty_cache):
    assert run("weights", "verify").exit_code == 0  # nothing cached, nothing wrong
    (empty_cache / "piper-joe").mkdir(parents=True)

    result = run("weights", "verify", "--json")
    states = json.loads(result.stdout)["weights"]
    assert states == {"piper-joe": f"damaged: {store.MANIFEST}"}
    assert result.exit_code == 2 and "antiphon weights fetch piper-joe" in result.stderr
    assert "whisper-base: missing" in run("weights", "verify", "whisper-base").stdout
    assert run("weights", "verify", "nope").exit_code == 2


def test_an_unknown_name_is_one_sentence(empty_cache):
    result = run("weights", "path", "nope")
    assert result.exit_code == 2 and result.stderr.startswith("antiphon: There are no weights")


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_listed_command_explains_itself(name):
    result = run(name, "--help")
    assert result.exit_code == 0 and "Usage" in result.stdout


def test_alone_it_shows_help():
    result = CliRunner().invoke(main.app, [])
    assert result.exit_code == 0 and "Usage" in result.stdout and "talk" in result.stdout


def test_it_is_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "antiphon", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("antiphon ")
