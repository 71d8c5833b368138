"""One browser for all tests of the page."""

from __future__ import annotations

import asyncio

import pytest
from browser import QUESTION, Browser, sequence


@pytest.fixture(scope="package")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="package")
def browser(loop, tmp_path_factory):
    """The microphone: a question, and the same again while it is answered."""
    path = tmp_path_factory.mktemp("microphone") / "questions.wav"
    browser = Browser(sequence(path, 0.5, QUESTION, 4.5, QUESTION, 3))
    loop.run_until_complete(asyncio.wait_for(browser.start(), 60))
    yield browser
    loop.run_until_complete(browser.close())


@pytest.fixture
def run(loop):
    return lambda main: loop.run_until_complete(asyncio.wait_for(main(), 180))
