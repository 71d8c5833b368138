"""`benchmarks/faces.py` in small: every figure is there, and what must be zero is."""

from __future__ import annotations

import asyncio
import json

import typer
from typer.testing import CliRunner


def test_every_face_with_a_client_is_measured(load_benchmark, monkeypatch):
    faces = load_benchmark("faces")
    monkeypatch.setattr(faces, "STEPS", (2,))

    app = typer.Typer()
    app.command()(faces.main)
    given = ["--face", "realtime", "--turns", "2", "--seconds", "1", "--count", "200", "--json"]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])["realtime"]
    assert found["added_ms_p95"] > 0
    assert found["sessions"] == 2
    assert found["truncate_error_words"] == 0
    assert (found["fuzz_crashes"], found["fuzz_messages"]) == (0, 200)


def test_devices_of_other_makers_survive_damage(load_benchmark):
    faces = load_benchmark("faces")
    for work in (faces.fuzz("xiaozhi", 120), faces.wyoming.fuzz(200)):
        found = asyncio.run(work)
        assert found["fuzz_crashes"] == 0 and found["fuzz_messages"] >= 120
