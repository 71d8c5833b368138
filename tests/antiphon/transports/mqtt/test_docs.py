"""The page on MQTT names everything there is, and what it shows works."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import yaml

from antiphon.transports.mqtt.robot import tool_file
from antiphon.transports.mqtt.wire import messages, packets, topics
from antiphon.transports.mqtt.wire.formats import negotiation
from antiphon.transports.mqtt.wire.topics import Topics, split

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "mqtt.md").read_text()


def test_every_topic_and_every_schema_is_described():
    names = {name for name, _ in [*topics.for_server(), *Topics("+").for_robot()]}
    for name in names:
        leaf = name.removeprefix("antiphon/v1/+/").replace("tool/+/", "tool/<name>/")
        assert f"`{leaf}`" in PAGE
    schemas = resources.files("antiphon.transports.mqtt.wire") / "schemas"
    assert all(f"`{file.name}`" in PAGE for file in schemas.iterdir())


def test_every_property_of_sound_is_described():
    packet = packets.Packet(1, 2, 3, 4, b"")
    found = negotiation.have(16_000, 22_050, opus="if there")
    assert all(f"`{each.content_type}`" in PAGE for each in found.up)
    assert all(f"`{name}`" in PAGE for name, _ in packet.properties)
    assert f"header of {packets.HEADER.size} bytes" in PAGE


def test_the_example_of_abilities_can_be_loaded(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    path = tmp_path / "my_robot.py"
    path.write_text(example)
    tools, stop = tool_file.load(path)
    assert set(tools) == {"turn_light", "temperature"}
    assert stop is not None


def test_the_rules_let_a_robot_write_what_it_writes_and_no_more():
    rules = (ROOT / "deploy" / "acl").read_text()
    own = set(re.findall(r"pattern write antiphon/v1/%u/(\S+)", rules))
    written = {"status", "hello", "audio/in", "audio/heard", "cmd", "stop", "tool/+/result"}
    assert own == written


NESTED = {"hello": {"tools"}, "call": {"arguments"}, "result": {"value"}}
"""What cannot be flat: abilities, their arguments, and what they return."""
SCALARS = {"string": "string", "uint32": "integer", "uint64": "integer", "bool": "boolean"}
"""Types of fields in ROS, and in JSON."""


def test_messages_are_flat():
    for file in (resources.files("antiphon.transports.mqtt.wire") / "schemas").iterdir():
        name = file.name.removesuffix(".json")
        fields = messages.schema(name)["properties"].items()
        nested = {field for field, about in fields if not is_scalar(about)}
        assert nested == NESTED.get(name, set()), name


def is_scalar(about):
    kinds = {type(each) for each in about.get("enum", ())}
    return about.get("type") in SCALARS.values() or (bool(kinds) and kinds <= {str, int})


def test_the_mapping_to_ros_fits_what_is_sent_and_taken():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    bridge = yaml.safe_load(example)["/**/*"]["ros__parameters"]["bridge"]
    there, back = bridge["ros2mqtt"], bridge["mqtt2ros"]
    types = {
        name: dict(line.split()[::-1] for line in body.strip().splitlines())
        for name, body in re.findall(r"# (\w+)\.msg\n((?:\w+ \w+\n)+)", PAGE)
    }
    state = messages.State("idle", 1, 2**32 - 1, 3, True, 4, "audio/pcm", "audio/pcm")
    (topic,) = back["mqtt_topics"]
    assert back[topic]["json"] and split(topic) == ("R1", "state")
    sent = json.loads(state.body())
    fields = types[back[topic]["ros_type"].rpartition("/")[2]]
    assert list(fields) == list(sent)  # all of them, whatever order a reader needs
    of = messages.schema("state")["properties"]
    assert all(SCALARS[ros] == of[name].get("type", "string") for name, ros in fields.items())
    empty = {"string": "", "uint32": 0, "uint64": 0, "bool": False}
    for topic in there["ros_topics"]:
        assert there[topic]["json"]
        place = split(there[topic]["mqtt_topic"])
        assert place
        robot, leaf = place
        fields = types[there[topic]["ros_type"].rpartition("/")[2]]
        said = {name: empty[ros] for name, ros in fields.items()}
        if leaf == "cmd":
            said["cmd"] = "stop"
        kind = {"cmd": messages.Cmd, "stop": messages.Stop}[leaf]
        read = messages.read(kind, json.dumps(said).encode())
        assert leaf != "stop" or read.stream is None  # a stop that came from outside
        assert robot == "R1"
