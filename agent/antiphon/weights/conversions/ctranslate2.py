"""Reads CTranslate2's `model.bin`, the format faster-whisper's weights are published in."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BINARY_VERSION = 6
"""The only layout read here; CTranslate2 has written it since version 3."""

DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
"""CTranslate2's `DataType` codes."""


def read(path: Path) -> dict[str, NDArray[np.generic]]:
    """Reads every variable of a `model.bin`.

    All numbers are little-endian. The file holds the version (u32), the name of the model's
    specification, its revision (u32) and the number of variables (u32); then for each variable
    its name, the number of dimensions (u8), the dimensions (u32 each), the dtype code (u8), the
    number of bytes (u32) and the bytes; then aliases as pairs of names. A string is its length
    with the closing zero (u16) and its bytes.

    Args:
        path: The `model.bin`.

    Returns:
        Variable name to array, aliases left out. Arrays are views of one buffer.

    Raises:
        ValueError: The file is not of the known version, or is cut off.
    """
    data = path.read_bytes()
    offset = 0

    def number(code: str) -> int:
        nonlocal offset
        value = int(struct.unpack_from(f"<{code}", data, offset)[0])
        offset += struct.calcsize(f"<{code}")
        return value

    def string() -> str:
        nonlocal offset
        length = number("H")
        text = data[offset : offset + length - 1].decode()
        offset += length
        return text

    variables: dict[str, NDArray[np.generic]] = {}
    try:
        version = number("I")
        if version != BINARY_VERSION:
            raise ValueError(f"{path.name} has binary version {version}, not {BINARY_VERSION}")
        string()  # name of the specification
        number("I")  # its revision
        for _ in range(number("I")):
            name = string()
            shape = [number("I") for _ in range(number("B"))]
            dtype = np.dtype(DTYPES[number("B")])
            size = number("I")
            array = np.frombuffer(data, dtype, size // dtype.itemsize, offset)
            variables[name] = array.reshape(shape)
            offset += size
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is cut off or damaged: {error}") from error
    return variables
