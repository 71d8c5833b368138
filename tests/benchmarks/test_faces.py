"""`benchmarks/faces.py` in small: every figure is there, and what must be zero is."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

FACES = ["realtime", "xiaozhi", "wyoming", "mqtt"]


@pytest.fixture
def measure(load_benchmark):
    """Runs the command with few of everything."""
    faces = load_benchmark("faces")
    app = typer.Typer()
    app.command()(faces.main)

    def run(only, *given):
        result = CliRunner().invoke(app, ["--only", only, *given, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize("face", FACES)
def test_answers_come_and_damage_breaks_nothing(measure, face):
    found = measure("added", "--face", face, "--questions", "1")[face]
    assert found["added_ms_p95"] == found["added_ms_median"]
    found = measure("fuzz", "--face", face, "--count", "200")[face]
    assert (found["fuzz_crashes"], found["fuzz_messages"]) == (0, 200)


@pytest.mark.parametrize("face", ["realtime", "mqtt"])
def test_memory_holds_what_was_heard(measure, face):
    found = measure("truncate", "--face", face, "--turns", "2")[face]
    assert found == {"truncate_error_words": 0, "interruptions": 2}


def test_a_soak_loses_no_turn(measure):
    found = measure("soak", "--hours", "0.01", "--clients", "1")["soak"]
    assert (found["turns_lost"], found["faults"]) == (0, 0)
    assert all(found[face]["hours"] >= 0.01 for face in FACES)
    assert found["webrtc"]["turns"] > 0
