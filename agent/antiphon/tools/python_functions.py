"""Python functions as tools, for a robot whose program runs in the agent's own process."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from antiphon.tools.call import Call, Result
from antiphon.tools.tool import Tool


class Functions:
    """Announces functions and runs them, one after another, in a thread of its own.

    Args:
        functions: each with a docstring and annotated parameters (`Tool.from_function`).

    Raises:
        UserError: one of them cannot be a tool.
    """

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self.tools = [Tool.from_function(function) for function in functions]
        self._by_name = dict(zip((t.name for t in self.tools), functions, strict=True))
        self._thread = ThreadPoolExecutor(1, "antiphon-tools")

    def __call__(self, call: Call) -> Future[Result]:
        """Begin a call; a function that raises makes a result that says so."""
        return self._thread.submit(self._run, call)

    def _run(self, call: Call) -> Result:
        try:
            value = self._by_name[call.name](**call.arguments)
            json.dumps(value)
        except Exception as error:
            return Result(False, error=" ".join(str(error).split()) or type(error).__name__)
        return Result(True, value)

    def close(self) -> None:
        """Run nothing more; a function that is running ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
