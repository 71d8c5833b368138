"""Opens ONNX models so that they stay out of the way of everything else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=8)
def session(path: Path, *inner: str) -> Any:
    """An `onnxruntime.InferenceSession` on one thread, shared by all who ask for this file.

    It holds weights only, so any number of conversations may use it at the same time.

    Args:
        path: the model.
        inner: names of values inside of the graph that are given out behind its own outputs.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = path.read_bytes() + b"".join(map(_output, inner))
    return onnxruntime.InferenceSession(
        model, sess_options=options, providers=["CPUExecutionProvider"]
    )


def _output(name: str) -> bytes:
    """One more output of a serialized model.

    Protocol buffers that follow each other are merged, so a model with nothing but a graph with
    nothing but an output is all it takes (onnx.proto: ModelProto.graph = 7, GraphProto.output =
    12, ValueInfoProto.name = 1).
    """
    message = name.encode()
    for tag in (0x0A, 0x62, 0x3A):
        assert len(message) < 128  # lengths of one byte
        message = bytes([tag, len(message)]) + message
    return message
