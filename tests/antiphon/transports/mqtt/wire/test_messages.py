"""Messages, packets and their schemas: what is allowed, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.mqtt.wire import messages, packets, topics
from antiphon.transports.mqtt.wire.formats.format import Format, to_float, to_pcm16
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.packets import Freshness, Packet
from antiphon.transports.mqtt.wire.schema import fault

KINDS = [each for each in vars(messages).values() if isinstance(each, type)]
KINDS = [each for each in KINDS if issubclass(each, messages.Message) and hasattr(each, "kind")]
FILES = sorted(
    file.name.removesuffix(".json")
    for file in (resources.files("antiphon.transports.mqtt.wire") / "schemas").iterdir()
)
U32 = st.integers(0, 2**32 - 1)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("name", FILES)
def test_every_schema_is_one_and_describes_every_field(name):
    schema = messages.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]
    assert all("description" in field for field in schema["properties"].values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_records_have_the_fields_of_their_schema(kind):
    schema = messages.schema(kind.kind)
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields == set(schema["properties"])
    optional = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
    }
    assert fields - optional <= set(schema["required"])


def sample(schema):
    """Values that fit a schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "integer":
        return st.integers(schema.get("minimum", -9), schema.get("maximum", 9))
    if kind == "string":
        pattern = schema.get("pattern")
        if pattern:
            return st.from_regex(pattern, fullmatch=True).filter(str.isascii)
        return st.text(max_size=20, min_size=schema.get("minLength", 0))
    if kind == "boolean":
        return st.booleans()
    if kind == "array":
        return st.lists(sample(schema["items"]), max_size=2)
    if kind == "object" and "properties" in schema:
        needed = {name: sample(schema["properties"][name]) for name in schema["required"]}
        other = {k: sample(v) for k, v in schema["properties"].items() if k not in needed}
        return st.fixed_dictionaries(needed, optional=other)
    if kind == "object":
        return st.dictionaries(st.text(max_size=5), JSON, max_size=2)
    return JSON


@given(st.data())
def test_what_fits_a_schema_is_read_and_written_again(data):
    kind = data.draw(st.sampled_from(KINDS))
    given_ = data.draw(sample(messages.schema(kind.kind)))
    read = messages.read(kind, json.dumps(given_).encode())
    again = json.loads(read.body())
    jsonschema.validate(again, dict(messages.schema(kind.kind)))
    assert all(again[name] == value for name, value in given_.items() if value is not None)
    assert messages.read(kind, read.body()) == read


@given(st.data())
def test_our_part_of_json_schema_agrees_with_the_standard(data):
    name = data.draw(st.sampled_from(FILES))
    schema = messages.schema(name)
    value = data.draw(JSON | sample(schema))
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        value = {**value, data.draw(st.sampled_from(sorted(value))): data.draw(JSON)}
    valid = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (fault(value, schema) is None) == valid


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_with_one_error(payload):
    for kind in KINDS:
        try:
            messages.read(kind, payload)
        except MalformedError:
            continue
        assert kind is messages.Stop  # which may be empty, or {}


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 50_000,
        b'{"cmd":"say","text":"\\ud800"}',
        b'{"cmd":"say","text":NaN}',
        b'{"cmd":"say","extra":1}',
        b'{"cmd":"dance"}',
        b'{"cmd":"say","text":"' + b"x" * 3000 + b'"}',
        b" " * 70_000 + b'{"cmd":"stop"}',
        b'{"cmd":' + b"9" * 5000 + b"}",
    ],
)
def test_hostile_json_is_refused(payload):
    with pytest.raises(MalformedError):
        messages.read(messages.Cmd, payload)


def test_events_are_flat():
    body = messages.event(1, 2, {"event": "Told", "nested": {"a": 1}, "text": "x"})
    assert json.loads(body) == {"event": "Told", "text": "x", "stream": 1, "sent": 2}
    jsonschema.validate(json.loads(body), dict(messages.schema("event")))


PACKETS = st.builds(
    Packet,
    session=U32,
    generation=U32,
    sent=st.integers(0, 2**64 - 1),
    start=st.integers(0, 2**63 - 1),
    body=st.binary(max_size=50),
)
FORMATS = st.builds(
    Format,
    content_type=st.text(max_size=80),
    number=st.integers(0, 255),
    rate=st.sampled_from([16_000, 22_050, 24_000]),
    coder=st.just(print),
)


@given(PACKETS, FORMATS, FORMATS)
def test_both_protocols_carry_the_same_sound_in_the_format_agreed_upon(packet, agreed, other):
    framed = packet.framed(agreed)
    assert packets.read(packet.body, agreed.content_type, packet.properties, agreed) == packet
    assert packets.read(framed, None, (), agreed) == packet
    assert len(framed) == 32 + len(packet.body)
    if other.content_type != agreed.content_type:
        with pytest.raises(MalformedError):
            packets.read(packet.body, other.content_type, packet.properties, agreed)
    if (other.number, other.rate) != (agreed.number, agreed.rate):
        with pytest.raises(MalformedError):
            packets.read(framed, None, (), other)


@given(
    st.binary(max_size=100),
    st.none() | st.text(max_size=60),
    st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=5),
)
def test_what_is_no_sound_is_refused_with_one_error(payload, content_type, properties):
    with pytest.raises(MalformedError):
        packets.read(payload, content_type, properties, pcm(16_000))


@pytest.mark.parametrize(
    ("name", "value"),
    [("session", "4294967296"), ("sent", "-1"), ("start", "1e3"), ("generation", "٣")],
)
def test_a_property_that_is_no_number_is_refused(name, value):
    packet = Packet(1, 2, 3, 4, bytes(640))
    properties = [(key, value if key == name else text) for key, text in packet.properties]
    with pytest.raises(MalformedError):
        packets.read(packet.body, pcm(16_000).content_type, properties, pcm(16_000))


def test_samples_survive_the_way_to_sixteen_bits_and_back():
    samples = np.linspace(-1.5, 1.5, 101, dtype=np.float32)
    back = to_float(to_pcm16(samples))
    assert np.abs(back - np.clip(samples, -1, 1)).max() < 1e-4


def test_lateness_needs_no_common_clock():
    fresh = Freshness()
    assert fresh.late(5_000, 1000.0) == 0
    assert fresh.late(6_000, 1001.2) == pytest.approx(0.2, abs=0.01)
    assert fresh.late(7_000, 1001.9) == 0  # quicker than ever
    assert fresh.late(8_000, 1007.9) == pytest.approx(5.0, abs=0.01)
    assert fresh.late(2**63, 1008.0) == float("inf")
    assert fresh.late(9_000, 1003.95) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("set_by", [-3600.0, -2.0, 2.0, 50e6])
def test_a_senders_clock_that_is_set_anew_is_noticed_within_seconds(set_by):
    fresh = Freshness()
    sent = [20 * i for i in range(500)]
    late = [
        fresh.late(round(ms + 1000 * (set_by if i > 100 else 0)) + 10**10, ms / 1000 + 0.01)
        for i, ms in enumerate(sent)
    ]
    assert max(late[:100]) < 0.01 and max(late[300:]) < 0.01


def test_a_network_that_stood_still_does_not_pass_for_a_clock_that_was_set():
    fresh = Freshness()
    for ms in range(0, 1000, 20):
        fresh.late(ms, ms / 1000)
    burst = [fresh.late(ms, 6 + ms / 1e6) for ms in range(1000, 6000, 20)]
    assert min(burst[:200]) > 0.9
    assert fresh.late(7000, 7.0) < 0.01


@pytest.mark.parametrize(
    ("topic", "place"),
    [
        ("antiphon/v1/R1/audio/in", ("R1", "audio/in")),
        ("antiphon/v1/R1/tool/lamp/result", ("R1", "tool/lamp/result")),
        ("antiphon/v1/R1", None),
        ("antiphon/v1//audio/in", None),
        ("other/antiphon/v1/R1/cmd", None),
        ("antiphon/v1/" + "x" * 65 + "/cmd", None),
        ("antiphon/v1/R 1/cmd", None),
    ],
)
def test_topics(topic, place):
    assert topics.split(topic) == place


def test_tools_in_topics():
    assert topics.tool_of("tool/lamp/result") == "lamp"
    assert topics.tool_of("tool/la mp/result") is None
    assert topics.tool_of("tool/lamp") is None
