"""The page on MQTT names everything there is, and what it shows works."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from antiphon.transports.mqtt import formats, functions, packets, topics
from antiphon.transports.mqtt.topics import Topics

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "mqtt.md").read_text()


def test_every_topic_and_every_schema_is_described():
    names = {name for name, _ in [*topics.for_server(), *Topics("+").for_robot()]}
    for name in names:
        leaf = name.removeprefix("antiphon/v1/+/").replace("tool/+/", "tool/<name>/")
        assert f"`{leaf}`" in PAGE
    schemas = resources.files("antiphon.transports.mqtt") / "schemas"
    assert all(f"`{file.name}`" in PAGE for file in schemas.iterdir())


def test_every_property_of_sound_is_described():
    packet = packets.Packet(1, 2, 3, 4, b"")
    found = formats.have(16_000, 22_050, opus="if there")
    assert all(f"`{each.content_type}`" in PAGE for each in found.up)
    assert all(f"`{name}`" in PAGE for name, _ in packet.properties)
    assert f"header of {packets.HEADER.size} bytes" in PAGE


def test_the_example_of_abilities_can_be_loaded(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    path = tmp_path / "my_robot.py"
    path.write_text(example)
    tools, stop = functions.load(path)
    assert set(tools) == {"turn_light", "temperature"}
    assert stop is not None


def test_the_rules_let_a_robot_write_what_it_writes_and_no_more():
    rules = (ROOT / "deploy" / "acl").read_text()
    own = set(re.findall(r"pattern write antiphon/v1/%u/(\S+)", rules))
    written = {"status", "hello", "audio/in", "audio/heard", "cmd", "stop", "tool/+/result"}
    assert own == written
