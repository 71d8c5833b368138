"""An interruption is never lost, and the handlers of signals are given back."""

from __future__ import annotations

import signal
import sys

import pytest

from antiphon.cli.keys import Keys


class Finalized:
    """Something that is interrupted while it is thrown away."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_inside_a_finalizer_is_not_lost(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: None)
    before = signal.getsignal(signal.SIGINT)
    with Keys() as keys:
        assert keys.pressed() == ""
        Finalized()  # Python drops what is raised in there
        with pytest.raises(KeyboardInterrupt):
            keys.pressed()
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_elsewhere_comes_at_once(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with Keys(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
