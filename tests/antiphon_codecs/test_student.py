"""The student: a unit for every started stretch of samples, whatever the level, kept in files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from antiphon_codecs.hifigan import HOP
from antiphon_codecs.student import BANDS, StudentEncoder
from antiphon_codecs.unit_codec import UnitCodec, UnitCodecConfig

SMALL = UnitCodecConfig(
    codes=32, code_dim=8, width=16, hidden=16, encoder_blocks=1, decoder_blocks=1, centred_blocks=1
)


@pytest.fixture(scope="module", params=[1, 3])
def student(request):
    torch.manual_seed(0)
    return StudentEncoder(32, request.param, 22050, 16, 2).eval().requires_grad_(False)


@settings(max_examples=20)
@given(samples=st.integers(0, 5000))
def test_a_unit_for_every_started_stretch(student, samples):
    units = student.units(torch.randn(samples) * 0.1)
    assert units.dtype == torch.long
    assert len(units) == -(-samples // (HOP * student.stride))


@pytest.mark.parametrize("frame", [0, 3, 9])
def test_a_frame_sees_its_own_samples_best(student, frame):
    pcm = torch.zeros(1, 12 * HOP)
    pcm[0, frame * HOP + HOP // 2] = 1.0
    assert student.mel(pcm)[0].mean(-1).argmax() == frame


def test_a_tone_lies_in_its_band(student):
    hertz = 1000.0
    tone = torch.sin(2 * torch.pi * hertz * torch.arange(22050) / 22050)
    band = int(student.mel(tone[None])[0, 40].argmax())
    mel = 2595 * np.log10(1 + hertz / 700) / (2595 * np.log10(1 + 7600 / 700))
    assert abs(band + 1 - mel * (BANDS + 1)) < 1


def test_level_does_not_matter(student):
    pcm = torch.randn(4000)
    torch.testing.assert_close(student.mel(pcm[None]), student.mel(0.01 * pcm[None]))


def test_silence_is_heard(student):
    assert student.mel(torch.zeros(1, 3000)).isfinite().all()


def test_files_keep_the_student(tmp_path):
    codec = UnitCodec(replace(SMALL, student_width=16, student_blocks=1)).eval()
    codec.save(tmp_path / "codec.safetensors")
    again = UnitCodec.load(tmp_path / "codec.safetensors")
    pcm = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    assert (codec.encode(pcm) == again.encode(pcm)).mean() > 0.8  # half precision
    assert again.encode(pcm).shape == (16,)
    assert not any("filters" in name for name in load_file(tmp_path / "codec.safetensors"))


def test_without_a_student_nothing_is_heard(tmp_path):
    UnitCodec(SMALL).save(tmp_path / "codec.safetensors")
    codec = UnitCodec.load(tmp_path / "codec.safetensors")
    with pytest.raises(ValueError, match="antiphon train student"):
        codec.encode(np.zeros(4000, np.float32))


def test_a_file_from_before_there_were_students(tmp_path):
    import json
    from dataclasses import asdict

    from safetensors.torch import save_file

    sizes = {k: v for k, v in asdict(SMALL).items() if not k.startswith("student")}
    state = {k: v.half().contiguous() for k, v in UnitCodec(SMALL).state_dict().items()}
    save_file(state, tmp_path / "old.safetensors", metadata={"config": json.dumps(sizes)})
    assert UnitCodec.load(tmp_path / "old.safetensors").student is None
