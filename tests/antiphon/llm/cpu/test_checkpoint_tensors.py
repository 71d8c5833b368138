"""Weights are read from their files one at a time."""

import pytest
import torch
from safetensors.torch import save_file

from antiphon.errors import UserError
from antiphon.llm.cpu.checkpoint_tensors import CheckpointTensors


@pytest.fixture
def folder(tmp_path):
    save_file({"model.a.weight": torch.eye(2)}, tmp_path / "model-00001.safetensors")
    save_file({"model.b.weight": torch.ones(2, 2)}, tmp_path / "model-00002.safetensors")
    return tmp_path


def test_all_files_of_a_model_are_one(folder) -> None:
    tensors = CheckpointTensors(folder)
    assert set(tensors) == {"model.a.weight", "model.b.weight"} and len(tensors) == 2
    assert list(tensors.below("model.b.")) == ["weight"]
    assert torch.equal(tensors["model.b.weight"], torch.ones(2, 2))


def test_corrections_are_added_where_there_are_any(folder, tmp_path) -> None:
    low = {"model.a.down": torch.tensor([[1.0, 2.0]]), "model.a.up": torch.tensor([[3.0], [0.0]])}
    save_file(low, tmp_path / "lora.pt")
    tensors = CheckpointTensors(folder, tmp_path / "lora.pt")
    assert torch.equal(tensors["model.a.weight"], torch.tensor([[4.0, 6.0], [0.0, 1.0]]))
    assert torch.equal(tensors["model.b.weight"], torch.ones(2, 2))


def test_what_is_no_model_is_said_in_a_sentence(folder, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no \\*.safetensors: give the folder of a whole"):
        CheckpointTensors(tmp_path / "empty")
    whole = (folder / "model-00002.safetensors").read_bytes()
    (folder / "model-00002.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="model-00002.safetensors is damaged .* fetch it again"):
        CheckpointTensors(folder)
