"""The student: a unit for every started stretch of samples, in step with what was said; files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon_codecs.unit.hifigan import HOP
from antiphon_codecs.unit.student_encoder import STATES, StudentEncoder
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig

SMALL = UnitCodecConfig(
    codes=32, code_dim=8, width=16, hidden=16, encoder_blocks=1, decoder_blocks=1, centred_blocks=1
)
HEARING = replace(SMALL, student_width=16, student_blocks=1, student_states=8)


def recognizer(pcm):
    """Sums of 320 samples and their cosines: 50 states a second of width 8."""
    rows = torch.from_numpy(np.resize(pcm, (max(1, len(pcm) // 320), 320))).float()
    return torch.cos(rows.sum(1, keepdim=True) * torch.arange(1, 9))


@pytest.fixture(scope="module", params=[1, 3])
def codec(request):
    torch.manual_seed(0)
    codec = UnitCodec(replace(HEARING, stride=request.param)).eval().requires_grad_(False)
    codec.speech_encoder = recognizer
    return codec


@settings(max_examples=20, deadline=None)
@given(samples=st.integers(0, 5000))
def test_a_unit_for_every_started_stretch(codec, samples):
    units = codec.encode(np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32))
    assert units.dtype == np.int64
    assert len(units) == -(-samples // (HOP * codec.config.stride))


@pytest.mark.parametrize("unit_rate", [86.13, 43.07])
def test_a_unit_reads_the_states_of_its_own_time(unit_rate):
    torch.manual_seed(0)
    student = StudentEncoder(32, unit_rate, 8, 16, 0).eval().requires_grad_(False)
    states = torch.randn(1, 100, 8)
    other = states.clone()
    other[0, 50] += 1  # between 1.00 and 1.02 seconds
    count = int(unit_rate * 100 / STATES)
    changed = (student(states, count) != student(other, count)).any(-1)[0].nonzero()[:, 0]
    seconds = (changed + 0.5) / unit_rate
    assert len(changed) and ((seconds - 1.01).abs() < 1 / STATES).all()


def test_files_keep_the_student(tmp_path):
    codec = UnitCodec(HEARING).eval()
    codec.save(tmp_path / "codec.safetensors")
    again = UnitCodec.load(tmp_path / "codec.safetensors")
    codec.speech_encoder = again.speech_encoder = recognizer
    pcm = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    assert (codec.encode(pcm) == again.encode(pcm)).mean() > 0.8  # half precision
    assert again.encode(pcm).shape == (16,)


def test_a_student_needs_a_speech_encoder():
    with pytest.raises(ValueError, match=r"codec\.speech_encoder"):
        UnitCodec(HEARING).encode(np.zeros(4000, np.float32))


def test_without_a_student_nothing_is_heard(tmp_path):
    UnitCodec(SMALL).save(tmp_path / "codec.safetensors")
    codec = UnitCodec.load(tmp_path / "codec.safetensors")
    with pytest.raises(UserError, match="antiphon train student"):
        codec.encode(np.zeros(4000, np.float32))


def test_a_file_from_before_there_were_students(tmp_path):
    import json
    from dataclasses import asdict

    from safetensors.torch import save_file

    sizes = {k: v for k, v in asdict(SMALL).items() if not k.startswith("student")}
    state = {k: v.half().contiguous() for k, v in UnitCodec(SMALL).state_dict().items()}
    save_file(state, tmp_path / "old.safetensors", metadata={"config": json.dumps(sizes)})
    assert UnitCodec.load(tmp_path / "old.safetensors").student is None
