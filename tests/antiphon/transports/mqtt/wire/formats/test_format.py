"""Sound in fewer bytes: what is written is read again, where both ends have the format."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtt_network import Net
from mqtt_responders import FakeResponder

from antiphon.errors import UserError
from antiphon.transports.mqtt.wire.formats import encodec, negotiation, opus, pcm
from antiphon.transports.mqtt.wire.formats.block_resampler import TAPS, BlockResampler
from antiphon.transports.mqtt.wire.formats.negotiation import Formats, agree, named
from antiphon.transports.mqtt.wire.malformed import MalformedError

ALL = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"
RATES = 16_000, 22_050


def random_encodec():
    """EnCodec's layout, narrow and with random weights."""
    import torch
    from transformers import EncodecConfig, EncodecModel

    from antiphon_codecs.encodec.encodec_codec import EncodecCodec

    torch.manual_seed(0)
    model = EncodecModel(EncodecConfig(num_filters=4, hidden_size=16))
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_()
    return EncodecCodec(model)


@pytest.fixture(scope="module")
def kinds():
    """Formats by name, as functions of the rate."""
    try:
        library = opus.load()
    except UserError as error:
        pytest.skip(str(error))
    return {
        "pcm": pcm.pcm,
        "opus": library,
        "encodec": encodec.formats(random_encodec()),
    }


def tone(rate, frames):
    """[frames] of 20 ms of a gliding tone."""
    t = np.arange(frames * rate // 50) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 400 * t) * t)).astype(np.float32)


def pieces(sound, rate, counts):
    ends = np.cumsum(counts) * rate // 50
    return np.split(sound, ends)[:-1]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", ["pcm", "opus", "encodec"])
def test_as_many_samples_come_out_as_went_in(kinds, kind, rate):
    format_ = kinds[kind](rate)
    writer, reader = format_.coder(), format_.coder()
    counts = [count for count in (2, 4, 1, 3, 2, 4) if not count % format_.block]
    for part in pieces(tone(rate, sum(counts)), rate, counts):
        body = writer.encode(part)
        assert reader.samples(body) == len(reader.decode(body)) == len(part)


@pytest.mark.parametrize("rate", RATES)
def test_opus_says_the_same_a_little_later_in_a_tenth_of_the_bytes(kinds, rate):
    format_ = kinds["opus"](rate)
    writer, reader = format_.coder(), format_.coder()
    sound = tone(rate, 60)
    bodies = [writer.encode(part) for part in pieces(sound, rate, [4] * 15)]
    back = np.concatenate([reader.decode(body) for body in bodies])
    assert sum(map(len, bodies)) < 0.13 * 2 * len(sound)
    alike = [float(sound[: len(sound) - d] @ back[d:]) for d in range(rate // 50)]
    late = int(np.argmax(alike))
    assert late / rate < 0.01
    assert alike[late] > 0.95 * np.linalg.norm(sound) * np.linalg.norm(back)


@pytest.mark.parametrize("kind", ["pcm", "opus", "encodec"])
@given(data=st.data())
def test_what_is_no_sound_is_refused_with_one_error(kinds, kind, data):
    format_ = kinds[kind](16_000)
    body = data.draw(st.binary(max_size=200))
    good = format_.coder().encode(tone(16_000, 4))
    cut = data.draw(st.integers(0, len(good)))
    for each in (body, good[:cut] + body):
        reader = format_.coder()
        try:
            assert len(reader.decode(each)) == reader.samples(each) <= 16_000
        except MalformedError:
            continue


@pytest.mark.parametrize(("source", "target"), [(441, 480), (480, 441), (320, 480), (480, 320)])
def test_a_changed_rate_changes_nothing_else(source, target):
    def wave(frame, shift):
        t = np.arange(20 * frame) / (50 * frame) - shift
        return np.sin(2 * np.pi * 1000 * t).astype(np.float32)

    blocks, sound = BlockResampler(source, target), wave(source, 0)
    parts = np.split(sound, np.array([1, 5, 6, 9]) * source)
    made = np.concatenate([blocks(part) for part in parts])
    wanted = wave(target, TAPS / 2 / (50 * source))
    assert np.abs(made - wanted)[2 * TAPS :].max() < 1e-3


def test_the_first_that_both_have_is_agreed_upon(kinds: Any):
    one, two, three = (kinds[name](16_000) for name in ("encodec", "opus", "pcm"))
    assert agree(named([one, two, three]), [two, three]) == two
    assert agree(named([one, three]), [two, three]) == three
    assert agree(named([three]), [two, three]) == three
    assert agree(named([one]), [two, three]) is None
    assert agree("", [two, three]) is None


def test_different_weights_do_not_take_each_others_units(kinds):
    other = random_encodec()
    other.model.quantizer.layers[0].codebook.embed += 1
    ours, theirs = kinds["encodec"](16_000), encodec.formats(other)(16_000)
    assert agree(ours.content_type, [theirs]) is None


class Singer(FakeResponder):
    """Its words are tones, which survive where a constant does not."""

    def hum(self, count, cancelled):
        for speech in super().hum(count, cancelled):
            speech.pcm[:] *= np.sin(2 * np.pi * 300 * np.arange(len(speech.pcm)) / 22_050)
            yield speech


def offer(kinds, *names):
    return Formats([kinds[n](16_000) for n in names], [kinds[n](22_050) for n in names])


@pytest.mark.parametrize("version", [5, 3])
@pytest.mark.parametrize("kind", ["opus", "encodec"])
def test_a_text_is_said_in_fewer_bytes_and_remembered_as_heard(kinds, kind, version):
    both = offer(kinds, kind, "pcm")
    net = Net(Singer(level=0.5), formats=Formats([kinds["pcm"](16_000)], both.down))
    net.add("R1", formats=both, version=version)
    net.server.sessions["R1"].conversation.say(ALL)
    net.server.sessions["R1"]._step_once()
    net.until("speaking")
    net.until("idle")
    net.run(30)
    said = net.sent("audio/out")
    assert net.texts() == [("assistant", ALL)]
    wanted = both.down[0].content_type if version == 5 else None
    assert {m.content_type for m in said} == {wanted}
    sent = sum(len(m.payload) for m in said) - (0 if version == 5 else 32 * len(said))
    assert sent < 0.13 * 2 * 2 * 22_050
    heard = net.bodies["R1"].duplex.listened
    loud = np.abs(heard[: len(heard) // 320 * 320]).reshape(-1, 320).max(1) > 0.01
    assert 100 <= loud.sum() <= 105  # all of it, and what a coder makes of its end


def test_a_question_in_opus_is_answered_in_opus(kinds):
    both = offer(kinds, "opus", "pcm")
    net = Net(Singer(level=0.5), formats=both)
    mouth = net.add("R1", formats=both)
    hum = np.repeat([1, -1], 16).astype(np.float32)  # 500 Hz, loud at every sample
    level = mouth._frame
    mouth._frame = lambda: level() * np.resize(hum, 320)
    net.ask(frames=25)
    net.until("idle")
    asked, answered = net.texts()
    assert int(asked[1].split()[0]) == pytest.approx(25, abs=4)
    assert answered == ("assistant", ALL)
    assert {m.content_type for m in net.sent("audio/in")} == {both.up[0].content_type}


def test_who_lacks_a_format_gets_another_one_and_is_told(kinds):
    net = Net(formats=offer(kinds, "pcm"))
    net.add("R1", formats=offer(kinds, "opus", "pcm"))
    assert any("The agent takes audio/pcm" in str(said) for said in net.said)
    net.ask()
    net.until("idle")
    assert net.texts()[-1] == ("assistant", ALL)


def test_sound_in_a_format_that_was_not_agreed_upon_is_dropped(kinds):
    net = Net(formats=offer(kinds, "opus", "pcm"))
    net.add("R1", formats=offer(kinds, "pcm"))
    other = Net(formats=offer(kinds, "opus", "pcm"))
    other.add("R1", formats=offer(kinds, "opus", "pcm"))
    other.bodies["R1"].speak()
    other.run(20)
    for message in other.sent("audio/in"):
        net.post("stranger", message)
    net.run(5)
    assert net.server.sessions["R1"].malformed == len(other.sent("audio/in")) > 0
    assert net.state() == "idle"


def test_a_missing_library_names_its_package(monkeypatch):
    opus.binding.cache_clear()
    monkeypatch.setitem(sys.modules, "opuslib_next", None)
    with pytest.raises(UserError, match="pip install opuslib-next"):
        negotiation.have(16_000, 22_050, opus="yes")
    only = negotiation.have(16_000, 22_050, opus="if there")
    assert named(only.up) == pcm.pcm(16_000).content_type


def test_a_missing_system_library_names_its_package(monkeypatch):
    opus.binding.cache_clear()
    for name in [name for name in sys.modules if name.startswith("opuslib_next")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("os.path.exists", lambda path: False)
    with pytest.raises(UserError, match="sudo apt install libopus0"):
        negotiation.have(16_000, 22_050, opus="yes")


def test_no_weights_of_encodec(tmp_path):
    with pytest.raises(UserError, match="no EnCodec model"):
        negotiation.have(16_000, 22_050, opus="no", encodec=tmp_path)
