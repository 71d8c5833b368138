"""Where models compute: what is there, or one sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from antiphon.compute import torch_device
from antiphon.errors import UserError


def machine(monkeypatch: pytest.MonkeyPatch, gpus: int, *, metal: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: metal)


def test_a_gpu_is_taken_if_there_is_one(monkeypatch):
    machine(monkeypatch, 0)
    assert torch_device.chosen("auto").type == "cpu"
    machine(monkeypatch, 0, metal=True)
    assert torch_device.chosen("auto").type == "mps"
    machine(monkeypatch, 2, metal=True)
    assert torch_device.chosen("auto").type == "cuda"
    assert torch_device.chosen("cpu").type == "cpu"
    assert torch_device.chosen("cuda:1") == torch.device("cuda:1")


def test_the_settings_say_where(monkeypatch):
    machine(monkeypatch, 1)
    monkeypatch.setenv("ANTIPHON_DEVICE", "cpu")
    assert torch_device.chosen().type == "cpu"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cuda", "no NVIDIA GPU here: give --device cpu"),
        ("mps", "no Apple GPU here"),
        ("gpu", "no device 'gpu': give auto"),
        ("mps:1", "no device 'mps:1'"),
        ("cuda:x", "no device 'cuda:x'"),
    ],
)
def test_what_is_not_there_is_said(monkeypatch, name, told):
    machine(monkeypatch, 0)
    with pytest.raises(UserError, match=told):
        torch_device.chosen(name)


def test_a_gpu_too_many_is_counted(monkeypatch):
    machine(monkeypatch, 1)
    with pytest.raises(UserError, match="no GPU 3 here: PyTorch counts 1"):
        torch_device.chosen("cuda:3")


def test_on_a_gpu_a_language_model_is_transformers_own(monkeypatch, tmp_path):
    """The processor's own decoder is for the processor."""
    from antiphon.llm import language_model

    (tmp_path / "config.json").write_text('{"model_type": "llama", "hidden_size": 8}')
    asked: list[str] = []

    def backend(name: str) -> Any:
        def load(*_: Any) -> str:
            asked.append(name)
            return name

        return SimpleNamespace(fits=lambda config: True, load=load)

    monkeypatch.setattr("importlib.import_module", backend)
    machine(monkeypatch, 1)
    language_model.load(str(tmp_path), None)
    monkeypatch.setenv("ANTIPHON_DEVICE", "cpu")
    language_model.load(str(tmp_path), None)
    assert asked == ["antiphon.llm.transformers_model", "antiphon.llm.cpu.model"]
