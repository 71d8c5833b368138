"""onnxruntime's product with weights of four bits; inputs are rounded to int8.

One thread nearly fills the memory's bandwidth of two cores, so a single step takes one thread
there, waits for nobody and leaves the other core to the voice; many steps are shared out.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from antiphon.cpu_threads import MOST

Product = Callable[[torch.Tensor], torch.Tensor]
"""[N, in] to [N, out], float32."""
SHARE = 4
"""Steps a thread takes at least."""
THREADS = max(1, min(4, MOST - 1))
"""Threads of a single step: memory feeds no more, and one core is the voice's."""


class NbitsProduct:
    """A product [N, in] to [N, out] whose weights only the kernel has, in an order of its own.

    Any number of threads may use it.

    Args:
        weight: [out, groups, group / 2] uint8, the first of two weights in the lower bits.
        scale: [out, groups] float32.
        zero: [out, (groups + 1) / 2] uint8 steps that stand for 0, two each.
    """

    def __init__(self, weight: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor) -> None:
        given = {"weight": weight, "scale": scale.flatten(), "zero": zero.flatten()}
        arrays = {name: tensor.contiguous().numpy() for name, tensor in given.items()}
        group = 2 * weight.shape[2]
        self.columns = weight.shape[1] * group
        """Inputs, filled up to whole groups."""
        self._session = _session(arrays, len(weight), self.columns, group)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, at most `columns`] float32 to [N, out] float32."""
        spare = self.columns - x.shape[1]
        full = (F.pad(x, (0, spare)) if spare else x).numpy()
        threads = min(torch.get_num_threads(), len(full) // SHARE) if THREADS == 1 else 1
        if threads < 2:
            return torch.from_numpy(self._run(full))
        parts = np.array_split(full, threads)
        others = [_threads().submit(self._run, part) for part in parts[1:]]
        done = [self._run(parts[0]), *(other.result() for other in others)]
        return torch.from_numpy(np.concatenate(done))

    def _run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        y: NDArray[np.float32] = self._session.run(None, {"x": x})[0]
        return y


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="antiphon-nbits")


def _session(arrays: dict[str, NDArray[Any]], rows: int, columns: int, group: int) -> Any:
    """An `onnxruntime.InferenceSession` of a graph with nothing but the product."""
    import onnxruntime
    from onnx import TensorProto, helper

    node = helper.make_node(
        "MatMulNBits",
        ["x", *arrays],
        ["y"],
        domain="com.microsoft",
        K=columns,
        N=rows,
        bits=4,
        block_size=group,
        accuracy_level=4,  # inputs in int8
    )
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["steps", columns])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["steps", rows])],
    )
    graph.initializer.extend(_elsewhere(name, array) for name, array in arrays.items())
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
    options.add_external_initializers(list(arrays), values)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _elsewhere(name: str, array: NDArray[Any]) -> Any:
    """A tensor whose values are given beside the model, so that they are never copied into it."""
    from onnx import TensorProto, helper

    tensor = TensorProto(
        name=name,
        data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
        dims=array.shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", name), ("offset", 0), ("length", array.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
