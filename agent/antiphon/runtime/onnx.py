"""Opens ONNX models so that they stay out of the way of everything else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=8)
def session(path: Path) -> Any:
    """An `onnxruntime.InferenceSession` on one thread, shared by all who ask for this file.

    It holds weights only, so any number of conversations may use it at the same time.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
