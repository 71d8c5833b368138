"""The SDK, unmodified, as a device at a real socket: it asks where to go, talks, and has tools."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from xiaozhi_stage import BareDevice, SdkDevice, Singer, XiaozhiStage, frames_of, stops

from antiphon.runtime.responders.tool_responder import ToolResponder
from antiphon.tools.call import Call
from antiphon.tools.toolbox import Toolbox
from antiphon.transports.xiaozhi.framing import Frame


def talk(play, **how):
    """Runs a test with a server."""

    async def work():
        async with XiaozhiStage(**how) as stage:
            await play(stage)

    asyncio.run(work())


def test_a_device_that_ends_its_turn_by_silence():
    async def play(stage):
        async with SdkDevice(stage.ota, "auto") as device:
            for turn in (1, 2):
                await device.say(7, -6)
                await device.until("tts", "stop", turn)
            assert 16 <= frames_of(device.of("stt")[0]["text"]) <= 22
            kinds = [(each["type"], each.get("state")) for each in device.told[:4]]
            assert kinds[:2] == [("stt", None), ("tts", "start")]
            subtitles = [each["text"] for each in device.of("tts", "sentence_start")]
            assert " ".join(subtitles).startswith("r1w0") and "r2w2" in subtitles[-1]
            seconds = len(device.sound) / 16_000
            assert 2 * 0.6 <= seconds <= 2 * 0.6 + 0.3  # three words of 0.2 s, whole packets
            assert np.abs(device.sound).max() > 3000

    talk(play)


def test_a_device_with_a_button():
    async def play(stage):
        async with SdkDevice(stage.ota, "manual") as device:
            await device.say(3, -10, 4)
            await asyncio.sleep(0.3)
            assert not device.of("stt")  # pauses end no turn while the button is held
            await device.listen("stop")
            await device.until("tts", "stop")
            assert 16 <= frames_of(device.of("stt")[0]["text"]) <= 22
            await device.listen("start", mode="manual")
            await device.say(2)
            await device.listen("stop")
            await device.until("stt", count=2)
            assert 4 <= frames_of(device.of("stt")[1]["text"]) <= 7

    talk(play)


def test_a_device_that_listens_while_it_plays_can_be_interrupted():
    async def play(stage):
        stage.responder.words = 40
        async with SdkDevice(stage.ota, "realtime") as device:
            await device.say(7, -6)
            await device.until("tts", "sentence_start")
            await device.say(12, -6)
            await device.until("tts", "stop")
            await device.until("stt", count=2)
            assert len(device.sound) < 4 * 16_000
            await device.until("tts", "start", 2)
            heard = stage.conversations[0].history[1]
            assert heard.role == "assistant" and heard.text.endswith("—")

    talk(play)


def test_abort_stops_a_reply():
    async def play(stage):
        stage.responder.words = 40
        async with SdkDevice(stage.ota, "auto") as device:
            await device.say(7, -6)
            await device.until("tts", "sentence_start")
            await device.sdk.send_abort()
            await device.until("tts", "stop")
            before = len(device.sound)
            await asyncio.sleep(0.3)
            assert len(device.sound) == before < 3 * 16_000

    talk(play)


def test_a_wake_word_stops_a_reply_and_a_text_in_its_place_is_answered():
    async def play(stage):
        stage.responder.words = 40
        async with SdkDevice(stage.ota, "auto") as device:
            await device.say(7, -6)
            await device.until("tts", "sentence_start")
            await device.sdk.send_text("Hi ESP")
            await device.until("tts", "stop")
            assert len(device.of("stt")) == 1
            await device.sdk.send_text("How late is it now?")
            await device.until("tts", "start", 2)
            assert device.of("stt")[-1]["text"] == "How late is it now?"
            asked, history = stage.responder.answered[-1]
            assert asked == "How late is it now?" and history[-1].text.endswith("—")

    talk(play)


TOOLS: list[dict[str, Any]] = [
    {
        "name": "self.lamp.set_light",
        "description": "Switch the lamp. Call self.lamp.get_state first if in doubt.",
        "inputSchema": {
            "type": "object",
            "properties": {"level": {"type": "integer", "minimum": 0, "maximum": 100}},
            "required": ["level"],
        },
    },
    {"name": "self.get_state", "description": "The state of the device.\nMore.", "inputSchema": {}},
    {"name": "broken", "description": ""},
]


class Chooser:
    """A toolbox that always asks for the same."""

    def __init__(self, peer, call):
        self.tools, self.call = dict(peer.tools), call

    def decide_all(self, text):
        return [self.call] if self.call.name in self.tools else []


def acting(call, peers):
    """What makes the responder of a device; its tools are noted."""

    def of(peer):
        peers.append(peer)
        toolbox: Toolbox = Chooser(peer, call)  # type: ignore[assignment]
        return ToolResponder(Singer(), toolbox, peer.execute)

    return of


def test_the_tools_of_a_device_are_used():
    used, peers = [], []

    def light(arguments):
        used.append(arguments)
        return {"level": arguments["level"]}, False

    async def play(stage):
        call = Call("lamp-set_light", {"level": 30})
        stage.responder = acting(call, peers)
        tools = [{**each, "tool_func": light} for each in TOOLS]
        async with SdkDevice(stage.ota, "auto", tools) as device:
            await device.say(7, -6)
            await device.until("tts", "stop")
            assert used == [{"level": 30}]
            (peer,) = peers
            assert {name: tool.description for name, tool in peer.tools.items()} == {
                "lamp-set_light": "Switch the lamp.",
                "get_state": "The state of the device.",
            }

    talk(play, threads=True)


@pytest.mark.parametrize("trouble", ["error", "silence", "gone"])
def test_a_tool_that_fails_is_said_and_a_device_that_leaves_is_not_waited_for(trouble):
    outcomes = []

    async def play(stage):
        stage.responder = lambda peer: outcomes.append(peer) or Singer()
        async with BareDevice(stage.talk) as device:
            await device.hello(mcp=True)
            await answer_mcp(device, [TOOLS[:1], TOOLS[1:2]])
            await stage.until(lambda: outcomes)
            (peer,) = outcomes
            await device.tell(type="listen", state="start", mode="auto")
            await device.say(7, -6)
            await device.hear(until=lambda m: m.get("state") == "start")
            future = peer.execute(Call("get_state", {}))
            asked = (await device.hear(until=lambda m: m["type"] == "mcp"))[-1]["payload"]
            assert asked["params"] == {"name": "self.get_state", "arguments": {}}
            if trouble == "error":
                failed = {"id": asked["id"], "error": {"code": -32603, "message": "no lamp"}}
                await device.tell(type="mcp", payload=failed)
                result = await asyncio.wrap_future(future)
                assert (result.ok, result.error) == (False, "no lamp")
        if trouble != "error":
            result = await asyncio.wait_for(asyncio.wrap_future(future), 5)
            assert (result.ok, result.error) == (False, "the device is gone")

    talk(play)


async def answer_mcp(device, pages):
    """Answers what a server asks of a device's tools, page by page."""
    for page in range(-1, len(pages)):
        asked = (await device.hear(until=lambda m: "id" in m.get("payload", {})))[-1]["payload"]
        assert asked["method"] == ("tools/list" if page >= 0 else "initialize")
        result: dict[str, Any] = {"capabilities": {"tools": {}}}
        if page >= 0:
            result = {"tools": pages[page]}
        if 0 <= page < len(pages) - 1:
            result["nextCursor"] = f"page-{page + 1}"
        if page > 0:
            assert asked["params"]["cursor"] == f"page-{page}"
        await device.tell(type="mcp", payload={"id": asked["id"], "result": result})


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_frames_carries_a_conversation(version):
    async def play(stage):
        async with BareDevice(stage.talk, version) as device:
            hello = await device.hello()
            assert hello["transport"] == "websocket" and hello["session_id"]
            assert hello["audio_params"]["sample_rate"] == 24_000
            await device.tell(type="listen", state="start", mode="auto")
            await device.say(7, -6)
            got = await device.hear(until=stops)
            frames = [each for each in got if isinstance(each, Frame)]
            assert len(frames) == 10  # 0.6 s
            if version == 2:
                assert [frame.timestamp for frame in frames] == list(range(0, 600, 60))

    talk(play)


def test_sound_is_paced_so_that_a_small_device_can_hold_it():
    async def play(stage):
        stage.responder.words = 12
        async with BareDevice(stage.talk) as device:
            await device.hello()
            await device.tell(type="listen", state="start", mode="auto")
            await device.say(7, -6)
            await device.hear(until=lambda m: m.get("state") == "start")
            loop, came = asyncio.get_running_loop(), []
            while len(came) < 40:
                if isinstance(await asyncio.wait_for(device.line.recv(), 10), bytes):
                    came.append(loop.time())
            waiting = [0.06 * (i + 1) - (at - came[0]) for i, at in enumerate(came)]
            assert max(waiting) < 5 * 0.06  # what such devices hold; three are meant
            assert sorted(waiting)[len(waiting) // 2] < 3.5 * 0.06

    talk(play)


def test_sound_of_a_device_that_does_not_listen_is_not_heard():
    async def play(stage):
        async with BareDevice(stage.talk) as device:
            await device.hello()
            await device.say(9, -6)  # the wake word itself, maybe
            await device.tell(type="listen", state="detect", text="Alexa")
            await device.tell(type="listen", state="start", mode="auto")
            await device.say(7, -6)
            got: list[Any] = await device.hear(until=stops)
            said = [
                each["text"] for each in got if isinstance(each, dict) and each["type"] == "stt"
            ]
            assert len(said) == 1 and 16 <= frames_of(said[0]) <= 22

    talk(play)
