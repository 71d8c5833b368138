"""A robot's abilities: plain Python functions in a file of the user's.

The name, the docstring and the type hints are all there is to write: a language model reads the
first two, and the hints become the JSON Schema of the arguments.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from antiphon.errors import UserError
from antiphon.tools import Result, Tool
from antiphon.transports.mqtt.wire.schema import fault

ON_STOP = "on_stop"
"""A function of this name is no tool: it is called when the robot has to stop moving."""
MAX_RESULT_CHARACTERS = 4000
"""Characters of a result; a longer one is no answer to a question."""


class Function:
    """A function that can be called by a language model.

    Args:
        function: with a docstring and type hints, and maybe attributes `says` and `confirm`
            (`Tool.from_function`).

    Raises:
        UserError: It cannot be a tool.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        try:
            self.tool = Tool.from_function(function)
        except UserError:
            raise
        except Exception as error:
            name = getattr(function, "__name__", "tool")
            raise UserError(f"A type hint of '{name}' is wrong ({error}): fix it.") from error

    def __call__(self, arguments: dict[str, Any]) -> Result:
        """Calls it; what goes wrong becomes a sentence."""
        wrong = fault(arguments, self.tool.schema, "the call")
        if wrong:
            return Result(False, error=wrong)
        try:
            value = self.function(**arguments)
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
            text = json.dumps(value, allow_nan=False)
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            return Result(False, error=said or type(error).__name__)
        if len(text) > MAX_RESULT_CHARACTERS:
            return Result(
                False, error=f"the result has more than {MAX_RESULT_CHARACTERS} characters"
            )
        return Result(True, value)


def load(path: Path) -> tuple[dict[str, Function], Callable[[], Any] | None]:
    """The tools of a file, and its function that stops the robot.

    Args:
        path: a Python file; every function defined in it is a tool, but for names that begin with
            an underscore.

    Raises:
        UserError: The file cannot be imported, or a function cannot be a tool.
    """
    module = _module(path)
    own = {
        name: each
        for name, each in vars(module).items()
        if inspect.isfunction(each)
        and each.__module__ == module.__name__
        and not name.startswith("_")
    }
    stop = own.pop(ON_STOP, None)
    return {name: Function(each) for name, each in own.items()}, stop


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"There is no file '{path}': check its name.")
    spec = importlib.util.spec_from_file_location(f"antiphon_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"'{path}' is no Python file: give one whose name ends with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UserError(f"'{path}' cannot be imported ({said}): fix it.") from error
    return module
