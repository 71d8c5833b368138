"""The address a device asks: who is told what, and who is told nothing."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from xiaozhi_stage import SdkDevice, XiaozhiStage

TOKEN = "a-token-of-the-tests"


def ask(play, **how):
    async def work():
        async with XiaozhiStage(**how) as stage, httpx.AsyncClient() as web:
            await play(stage, web)

    asyncio.run(work())


@pytest.mark.parametrize("path", ["/xiaozhi/ota/", "/xiaozhi/ota"])
def test_a_device_is_told_where_to_talk_and_to_keep_its_firmware(path):
    async def play(stage, web):
        board = {"application": {"version": "2.2.4"}, "board": {"type": "esp-box-3"}}
        got = await web.post(f"http://{stage.address}{path}", json=board)
        told = got.json()
        assert got.status_code == 200 and set(told) == {"websocket", "server_time", "firmware"}
        assert told["websocket"] == {"url": stage.talk, "token": "", "version": 1}
        assert told["firmware"] == {"version": "2.2.4", "url": ""}
        assert abs(told["server_time"]["timestamp"] / 1000 - time.time()) < 60

    ask(play)


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"application":{"version":3}}', b"[" * 9999])
def test_a_device_that_tells_nothing_of_itself_is_told_all_the_same(body):
    async def play(stage, web):
        told = (await web.post(stage.ota, content=body)).json()
        assert told["websocket"]["url"] == stage.talk and "firmware" not in told
        assert (await web.get(stage.ota)).status_code == 200

    ask(play)


def test_a_device_that_tells_too_much_is_refused():
    async def play(stage, web):
        assert (await web.post(stage.ota, content=bytes(2**17))).status_code == 413

    ask(play)


def test_the_token_stands_at_the_end_of_the_address(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)

    async def play(stage, web):
        for wrong in (stage.ota, stage.ota + "wrong/", stage.ota + TOKEN + "/x"):
            got = await web.post(wrong)
            assert got.status_code in (401, 404) and TOKEN not in got.text
        told = (await web.post(f"{stage.ota}{TOKEN}")).json()
        assert told["websocket"]["token"] == TOKEN
        async with SdkDevice(f"{stage.ota}{TOKEN}/") as device:
            assert device.sdk.session_id
        device = SdkDevice(stage.ota)
        device.sdk.url, device.sdk.ota_url = stage.talk, None
        assert not await device.sdk.init_connection("00:11:22:33:44:55")  # without a token

    ask(play, token_file=file)
