"""Rate limits."""

from __future__ import annotations

from antiphon.transports.mqtt.server.rate_limit import RateLimit


def test_a_budget_fills_with_time():
    budget = RateLimit(10, 20)
    assert budget.spend(20, 0.0)
    assert not budget.spend(1, 0.05)
    assert budget.spend(5, 0.5)
    assert budget.spend(20, 100.0)
    assert not budget.spend(1, 100.0)
