"""The benchmark tells answers that stop from answers that do not."""

from __future__ import annotations

import threading


def test_an_answer_that_does_not_listen_goes_on(load_benchmark):
    load_benchmark("first_audio")
    bench = load_benchmark("cancel")

    def deaf(cancelled):
        yield "begun"
        threading.Event().wait(0.2)

    def listening(cancelled):
        while not cancelled():
            yield "more"

    def short(cancelled):
        yield "done"

    assert bench.goes_on(deaf, 0.05) > 0.1
    assert bench.goes_on(listening, 0.05) < 0.1
    assert bench.goes_on(short, 0.05) == 0
    figures = bench.measure(deaf, 5, seed=0)
    assert 0 < figures["median_ms"] <= figures["p95_ms"] <= figures["max_ms"]
