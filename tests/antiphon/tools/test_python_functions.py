from antiphon.tools import Call, Result
from antiphon.tools.python_functions import Functions


def add(one: int, other: int = 1) -> int:
    """Add two numbers."""
    return one + other


def fail() -> None:
    """Fail always."""
    raise OSError("the motor is  hot")


def unspeakable() -> object:
    """Return what no message can carry."""
    return object()


def test_functions_are_announced_and_run():
    functions = Functions(add, fail, unspeakable)
    assert [tool.name for tool in functions.tools] == ["add", "fail", "unspeakable"]
    assert functions(Call("add", {"one": 2})).result(5) == Result(True, 3)
    assert functions(Call("fail")).result(5) == Result(False, error="the motor is hot")
    assert not functions(Call("unspeakable")).result(5).ok
    functions.close()
