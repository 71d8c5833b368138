"""Networks as onnxruntime's graphs, where PyTorch's operations take longer than the arithmetic.

A graph is put together by calling a `Graph` with the names of operations (onnx.ai's, or those of
onnxruntime's domain com.microsoft), and becomes a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GROUP = 32
"""Weights of a row that share a scale, where they are rounded to int8."""
OPSET = 17


class Graph:
    """A graph in the making. Values are known by the names that `constant` and calls return."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: torch.Tensor | NDArray[Any] | Sequence[int]) -> str:
        """A tensor of weights, or whole numbers for a shape."""
        from onnx import numpy_helper

        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().contiguous().numpy()
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def __call__(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The first output of an operation; see `several`."""
        return self.several(kind, 1, *inputs, domain=domain, **attributes)[0]

    def several(
        self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: Any
    ) -> list[str]:
        """The outputs of an operation."""
        from onnx import helper

        names = [f"v{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names

    def product(self, x: str, weight: torch.Tensor) -> str:
        """The product of x [N, in] with a matrix [out, in]."""
        return self("MatMul", x, self.constant(weight.detach().float().T))

    def rounded_product(self, x: str, weight: torch.Tensor) -> str:
        """The same with weights in int8, a scale for every `GROUP`; `in` must come in those.

        The inputs are rounded to int8, too.
        """
        groups = weight.detach().float().unflatten(1, (-1, GROUP))
        scale = groups.abs().amax(-1).clamp_(min=1e-8) / 127
        steps = (groups / scale[..., None]).round_() + 128  # 128 stands for 0
        return self(
            "MatMulNBits",
            x,
            self.constant(steps.to(torch.uint8)),
            self.constant(scale.flatten()),
            domain="com.microsoft",
            K=weight.shape[1],
            N=weight.shape[0],
            bits=8,
            block_size=GROUP,
            accuracy_level=4,
        )

    def session(
        self,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Sequence[str],
        threads: int = 1,
    ) -> Any:
        """An `onnxruntime.InferenceSession`; any number of threads may run it.

        Args:
            inputs: shapes of float32 inputs by name; a name in a shape stands for any size.
            outputs: values it gives.
            threads: it computes with.
        """
        import onnxruntime
        from onnx import TensorProto, helper

        graph = helper.make_graph(
            self._nodes,
            "graph",
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
                for name, shape in inputs.items()
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
