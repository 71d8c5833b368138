"""Networks as onnxruntime's graphs, where PyTorch's operations take longer than the arithmetic.

A graph is put together by calling a `Graph` with the names of operations (onnx.ai's, or those of
onnxruntime's domain com.microsoft), and becomes a session.
"""

from __future__ import annotations

import ctypes
import json
import mmap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

GROUP = 32
"""Weights of a row that share a scale, where they are rounded."""
OPSET = 17


class Graph:
    """A graph in the making. Values are known by the names that `constant` and calls return.

    Args:
        folder: of the files that `stored` names.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
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

    def stored(self, file: str) -> dict[str, tuple[str, list[int]]]:
        """The float32 and uint8 tensors of a safetensors file of the folder, never copied.

        Returns:
            Their values in this graph and their shapes, by their names in the file.
        """
        from onnx import TensorProto

        assert self._folder is not None
        with (self._folder / file).open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(size))
        header.pop("__metadata__", None)
        found = {}
        for name, about in header.items():
            begin, end = about["data_offsets"]
            value = f"c{len(self._constants)}"
            tensor = TensorProto(
                name=value,
                data_type={"F32": TensorProto.FLOAT, "U8": TensorProto.UINT8}[about["dtype"]],
                dims=about["shape"],
                data_location=TensorProto.EXTERNAL,
            )
            place = {"location": file, "offset": 8 + size + begin, "length": end - begin}
            for key, where in place.items():
                tensor.external_data.add(key=key, value=str(where))
            self._constants.append(tensor)
            found[name] = value, about["shape"]
        return found

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
        """The same with weights in int8, a scale for every `GROUP`.

        The inputs are rounded to int8, too.
        """
        steps, scale = in_bytes(weight.detach())
        parts = self.constant(steps), self.constant(scale.flatten())
        return self.bits_product(x, *parts, shape=weight.shape, bits=8)

    def bits_product(
        self, x: str, weight: str, scale: str, *more: str, shape: Sequence[int], bits: int
    ) -> str:
        """The product of x [N, in], rounded to int8, with a matrix that is kept in few bits.

        Args:
            x: the inputs.
            weight: [out, groups, GROUP * bits / 8] uint8.
            scale: of every group.
            more: the steps that stand for 0; where none are given, the middle one.
            shape: out, in.
            bits: of a weight, 4 or 8.
        """
        return self(
            "MatMulNBits",
            x,
            weight,
            scale,
            *more,
            domain="com.microsoft",
            N=shape[0],
            K=shape[1],
            bits=bits,
            block_size=GROUP,
            accuracy_level=4,  # inputs in int8
        )

    def session(
        self,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Sequence[str],
        threads: int = 1,
        *,
        counts: Sequence[str] = (),
    ) -> Any:
        """An `onnxruntime.InferenceSession`; any number of threads may run it.

        Args:
            inputs: shapes of float32 inputs by name; a name in a shape stands for any size.
            outputs: values it gives.
            threads: it computes with.
            counts: inputs [1] int32.
        """
        import onnxruntime
        from onnx import TensorProto, helper

        given = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in inputs.items()
        ]
        given += [helper.make_tensor_value_info(name, TensorProto.INT32, [1]) for name in counts]
        graph = helper.make_graph(
            self._nodes,
            "graph",
            given,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if self._folder is not None:
            options.add_session_config_entry(
                "session.model_external_initializers_file_folder_path", str(self._folder)
            )
            # Else what is made of the weights grows in powers of two.
            options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        if self._folder is not None:
            forget_pages(self._folder)
        return session


def forget_pages(folder: Path) -> None:
    """Take a folder's files out of this process's memory; what is still needed is read again.

    onnxruntime maps the weights, makes its own of them, and keeps some for nothing. Only Linux
    tells what is mapped where.
    """
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            place, *_, path = line.split(maxsplit=5)
            if Path(path).parent == folder.resolve():
                begin, end = (int(number, 16) for number in place.split("-"))
                ctypes.CDLL(None).madvise(
                    ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED
                )


def in_bytes(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [out, in] in eight bits.

    Returns:
        [out, groups, GROUP] uint8 steps, of which 128 stands for 0, and [out, groups] their sizes.
    """
    filled = F.pad(weight.float(), (0, -weight.shape[1] % GROUP)).unflatten(1, (-1, GROUP))
    scale = filled.abs().amax(-1).clamp_(min=1e-8) / 127
    steps = (filled / scale[..., None]).round_() + 128
    return steps.to(torch.uint8), scale
