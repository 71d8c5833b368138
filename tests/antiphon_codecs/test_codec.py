"""From a name, a folder or a file to a codec."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import EncodecConfig, EncodecModel

from antiphon.errors import UserError
from antiphon_codecs.codec import from_pretrained, kind
from antiphon_codecs.encodec.encodec_codec import EncodecCodec
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig


@pytest.fixture
def unit(tmp_path):
    path = tmp_path / "codec.safetensors"
    small = UnitCodecConfig(codes=8, width=8, hidden=8, encoder_blocks=1, decoder_blocks=2)
    UnitCodec(small).save(path)
    return path


def test_a_file_and_its_folder_are_the_same_codec(unit):
    assert isinstance(from_pretrained(unit), UnitCodec)
    assert from_pretrained(unit.parent).n_units == 8


def test_the_config_beside_a_voice_names_its_codec(unit):
    (unit.parent / "config.json").write_text(json.dumps({"kind": "voice", "codec": "unit"}))
    assert isinstance(from_pretrained(str(unit.parent)), UnitCodec)


def test_a_folder_of_transformers_is_told_by_its_model_type(tmp_path):
    EncodecModel(EncodecConfig(num_filters=4, hidden_size=16)).save_pretrained(tmp_path)
    assert isinstance(from_pretrained(tmp_path), EncodecCodec)


def test_what_is_no_codec_is_named(unit, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="There is no codec"):
        from_pretrained(tmp_path / "other")
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match="no kind of codec 'bert': choose unit, encodec"):
        from_pretrained(tmp_path / "other")
    unit.write_bytes(unit.read_bytes()[:100])
    with pytest.raises(UserError, match="is damaged"):
        from_pretrained(unit)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(UserError, match="There is no codec"):
        kind(tmp_path)


@pytest.mark.parametrize("units", [[8], [-1], [[1, 2]]])
def test_units_of_another_codec_are_refused(unit, units):
    with pytest.raises(UserError, match="another codec's"):
        from_pretrained(unit).decode(torch.tensor(units).numpy())
