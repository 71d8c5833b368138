"""A server's own WebSocket beside its user's call."""

from __future__ import annotations

import asyncio

import pytest
import websockets

pytest.importorskip("aiortc")
from webrtc_peer import CallStage

from antiphon.transports.realtime.webrtc.calls import MAX_SIDEBANDS

TOOL = {"type": "function", "name": "lamp", "parameters": {"type": "object", "properties": {}}}


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


def beside(peer):
    """The query of a connection beside a call."""
    return f"?call_id={peer.response.headers['location'].rpartition('/')[2]}"


def test_a_server_sees_and_steers_the_call_of_its_user():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            async with stage.connect(beside(peer)) as server:
                await server.update(instructions="Be brief.", tools=[TOOL])
                for each in (server, peer):
                    told = (await each.of("session.updated"))["session"]
                    assert told["instructions"] == "Be brief."
                    assert told["tools"][0]["name"] == "lamp"
                assert server.all("session.created")[0]["session"]["id"] == told["id"]
                peer.ask()
                response = (await server.of("response.done"))["response"]
                assert response["id"] == (await peer.of("response.done"))["response"]["id"]
                await peer.of("output_audio_buffer.stopped")
                assert await peer.words() == 6
                await server.write("and now in writing")
                await server.send("response.create", response={"output_modalities": ["text"]})
                assert (await peer.of("response.output_text.done"))["text"] == "written answer"
            await peer.write("the call goes on without it")
            await peer.send("response.create")
            await peer.of("response.done", 3)
            assert not peer.all("error")

    run(main)


def test_what_it_does_wrong_is_told_and_ends_nothing():
    async def main():
        async with (
            CallStage() as stage,
            stage.call() as peer,
            stage.connect(beside(peer)) as server,
        ):
            await server.line.send("{")
            assert (await server.of("error"))["error"]["code"] == "invalid_json"
            await server.append((0.1, 0.5))
            assert (await server.of("error", 2))["error"]["code"] == "unsupported"
            await server.write("hello")
            await peer.of("conversation.item.added")

    run(main)


def test_it_ends_with_the_call():
    async def main():
        async with CallStage() as stage:
            async with stage.call() as peer, stage.connect(beside(peer)) as server:
                peer.channel.close()
                await asyncio.wait_for(server.line.wait_closed(), 20)
                assert server.line.close_code == 1001
                assert server.line.close_reason == "The call is over."
            with pytest.raises(websockets.InvalidStatus) as refused:
                await stage.connect(beside(peer)).__aenter__()
            assert refused.value.response.status_code == 404

    run(main)


def test_only_so_many_take_part():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            servers = [stage.connect(beside(peer)) for _ in range(MAX_SIDEBANDS)]
            for server in servers:
                await server.__aenter__()
            with pytest.raises(websockets.InvalidStatus) as refused:
                await stage.connect(beside(peer)).__aenter__()
            assert refused.value.response.status_code == 503
            await servers[0].__aexit__(None, None, None)
            for _ in range(500):
                try:
                    servers[0] = stage.connect(beside(peer))
                    await servers[0].__aenter__()
                    break
                except websockets.InvalidStatus:
                    await asyncio.sleep(0.01)
            for server in servers:
                await server.update(instructions="Be brief.")
                await server.__aexit__(None, None, None)

    run(main)
