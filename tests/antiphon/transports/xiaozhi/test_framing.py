"""Frames in three versions: what is packed is unpacked, and nothing else is a frame."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.xiaozhi.framing import (
    MAX_PAYLOAD,
    TEXT,
    VERSIONS,
    Frame,
    MalformedError,
    pack,
    unpack,
)

payloads = st.binary(min_size=1, max_size=300)
versions = st.sampled_from(VERSIONS)


@given(payloads, st.integers(0, 2**40))
def test_every_version_gives_back_what_it_was_given(payload, timestamp):
    frame = Frame(payload, TEXT, timestamp)
    assert unpack(pack(frame, 2), 2) == Frame(payload, TEXT, timestamp % 2**32)
    assert unpack(pack(frame, 3), 3) == Frame(payload, TEXT)
    assert unpack(pack(frame, 1), 1) == Frame(payload)


@given(st.binary(max_size=300), versions)
def test_any_bytes_are_a_frame_or_malformed(data, version):
    try:
        frame = unpack(data, version)
    except MalformedError:
        return
    assert 0 < len(frame.payload) <= len(data)


@given(payloads, st.sampled_from([2, 3]), st.data())
def test_a_frame_that_is_cut_or_has_too_much_is_malformed(payload, version, data):
    whole = pack(Frame(payload), version)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"x"):
        with pytest.raises(MalformedError):
            unpack(wrong, version)


def test_the_headers_are_those_of_the_firmware():
    assert (
        pack(Frame(b"ab", timestamp=7), 2)
        == bytes.fromhex("0002 0000 00000000 00000007 00000002") + b"ab"
    )
    assert pack(Frame(b"ab"), 3) == bytes.fromhex("00 00 0002") + b"ab"


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (struct.pack(">HHIII", 1, 0, 0, 0, 1) + b"a", 2),
        (struct.pack(">BBH", 7, 0, 1) + b"a", 3),
        (b"", 1),
        (bytes(MAX_PAYLOAD + 1), 1),
    ],
)
def test_other_versions_types_and_sizes_are_malformed(data, version):
    with pytest.raises(MalformedError):
        unpack(data, version)
    with pytest.raises(MalformedError):
        pack(Frame(bytes(MAX_PAYLOAD + 1)), version)
