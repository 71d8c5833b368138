"""Offers that make no sense, calls that end, and what is left of them."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import weakref
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("aiortc")
from realtime_client import Stage
from webrtc_peer import CallStage, Peer

from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.webrtc import aiortc_internals
from antiphon.transports.realtime.webrtc import call as calls
from antiphon.transports.realtime.webrtc.offer import checked

SDP = {"content-type": "application/sdp"}
PATH = "/v1/realtime/calls"


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


async def refusal(stage, **how):
    """The status and the error that an offer is answered with."""
    peer = stage.call(**how)
    await peer.dial()
    await peer.peer.close()
    assert not len(stage.server.gateway.sessions)
    return peer.response.status_code, peer.response.json()["error"]


def without(kind):
    """An offer without its sections of a kind."""
    return lambda sdp: re.sub(rf"m={kind}.*?(?=m=|\Z)", "", sdp, flags=re.S)


def doubled(sdp):
    """An offer with a second section of audio."""
    (audio,) = re.findall(r"m=audio.*?(?=m=|\Z)", sdp, flags=re.S)
    return sdp + audio.replace("a=mid:0", "a=mid:7")


def test_offers_that_make_no_sense_are_refused():
    async def main():
        async with CallStage() as stage:
            for change, said in [
                (without("audio"), "one audio section"),
                (doubled, "it has audio, application, audio"),
                (lambda sdp: sdp.replace("opus/48000", "speex/16000"), "no Opus"),
                (lambda sdp: re.sub("a=ice-pwd.*?\n", "", sdp), "password is missing"),
                (lambda sdp: re.sub("a=fingerprint.*?\n", "", sdp), "no fingerprint"),
                (lambda sdp: "hello", "one audio section"),
                (lambda sdp: "", "one audio section"),
                (lambda sdp: "v=x\n" + sdp, "no SDP"),
            ]:
                status, error = await refusal(stage, offer=change)
                assert status == 400 and error["param"] == "sdp", error
                assert said in error["message"]
            status, error = await refusal(stage, offer=lambda sdp: sdp + "a" * 2**20)
            assert "1 MiB" in error["message"]
            async with stage.call():
                assert len(stage.server.gateway.sessions) == 1

    run(main)


def test_requests_that_are_no_offers_are_refused():
    async def main():
        async with CallStage() as stage:
            kind = {"headers": {"content-type": "text/plain"}}
            _, error = await refusal(stage, **kind)
            assert error["code"] == "unsupported_content_type" and "text/plain" in error["message"]
            for files, param in [
                ({"session": (None, '{"type": "realtime", "speed": 1}')}, "session.speed"),
                ({"session": (None, "[")}, None),
                ({"session": (None, "[" * 100_000)}, None),
                ({"sound": (None, "x")}, "sound"),
            ]:
                status, error = await refusal(stage, files=files)
                assert status == 400 and error["param"] == param, error
            async with httpx.AsyncClient(base_url=f"http://{stage.address}") as http:
                answer = await http.post(PATH, files={"session": (None, "{}")})
                assert answer.json()["error"]["param"] == "sdp"
                answer = await http.post(PATH, files={"sdp": ("sdp", b"\xff" * 10)})
                assert "cannot be read" in answer.json()["error"]["message"]
                answer = await http.post(PATH, files={"sdp": ("sdp", b"a" * 2**22)})
                assert "2 MiB" in answer.json()["error"]["message"]
                answer = await http.post(f"{PATH}/rtc_1/hangup")
                assert answer.status_code == 404
                answer = await http.post(PATH, headers={**SDP, "origin": "http://evil.example"})
                assert answer.status_code == 403

    run(main)


OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=sendrecv
a=mid:0
a=rtcp-mux
a=rtpmap:96 opus/48000/2
a=candidate:1 1 udp 2130706431 10.0.0.1 9 typ host
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 00:11
a=setup:actpass
"""
LINES = OFFER.splitlines()


def test_an_offer_is_taken_without_addresses():
    assert "10.0.0.1" not in checked(OFFER) and "opus" in checked(OFFER)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from(range(len(LINES))), max_size=40),
    st.text(max_size=40),
    st.integers(0, len(OFFER)),
)
def test_any_text_is_an_offer_or_refused(order, noise, at):
    shuffled = "\r\n".join(LINES[i] for i in order)
    for text in [shuffled, OFFER[:at] + noise + OFFER[at:], noise]:
        with suppress(ApiError):
            assert "opus" in checked(text)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    name = "antiphon.transports.realtime.webrtc.call"
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiortc", None)

    async def main():
        async with Stage() as stage:
            async with httpx.AsyncClient(base_url=f"http://{stage.address}") as http:
                answer = await http.post(PATH, headers=SDP)
            assert answer.status_code == 501
            assert "pip install 'antiphon[webrtc]'" in answer.json()["error"]["message"]

    run(main)


def test_only_the_address_that_is_served_is_offered():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            candidates = re.findall("a=candidate.*", peer.response.text)
            assert candidates and all(" 127.0.0.1 " in each for each in candidates)
            assert all(" typ host" in each for each in candidates)

    run(main)


async def freed(stage, reference):
    """Waits until a call has left nothing behind."""
    await stage.until(lambda: not len(stage.server.gateway.sessions))
    stage.conversations.clear()
    await asyncio.sleep(0.1)
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("way", ["peer", "channel", "hangup"])
def test_when_a_call_ends_its_place_and_its_memory_are_given_back(way):
    async def main():
        async with CallStage() as stage:
            async with stage.call() as peer:
                reference = weakref.ref(stage.talk)
                peer.ask()
                await peer.of("output_audio_buffer.started")
                if way == "peer":
                    await peer.peer.close()
                elif way == "channel":
                    peer.channel.close()
                else:
                    async with httpx.AsyncClient(base_url=f"http://{stage.address}") as http:
                        where = f"{peer.response.headers['location']}/hangup"
                        assert (await http.post(where)).status_code == 200
                        assert (await http.post(where)).status_code == 404
                await freed(stage, reference)
            assert len(stage.server.gateway.sessions) == 0

    run(main)


def test_who_does_not_connect_is_dismissed(monkeypatch):
    monkeypatch.setattr(calls, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(calls, "WATCH_SECONDS", 0.1)

    async def main():
        async with CallStage(max_sessions=1) as stage:
            nobody = Peer(stage)
            monkeypatch.setattr(nobody.peer, "setRemoteDescription", lambda _: asyncio.sleep(0))
            await nobody.dial()
            assert nobody.response.status_code == 201
            await stage.until(lambda: not len(stage.server.gateway.sessions))
            await nobody.peer.close()

    run(main)


def test_places_are_limited_and_who_is_idle_is_dismissed():
    async def main():
        async with CallStage(max_sessions=1, idle=1.0) as stage:
            async with stage.call(microphone=False) as peer:
                other = Peer(stage)
                await other.dial()
                assert other.response.status_code == 503
                assert int(other.response.headers["retry-after"]) > 0
                await other.peer.close()
                await stage.until(lambda: not len(stage.server.gateway.sessions))
                await stage.until(lambda: peer.peer.connectionState == "closed")
            async with stage.call() as peer:
                await peer.of("session.created")

    run(main)


def test_when_the_server_ends_a_reply_is_finished():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            peer.ask()
            await peer.of("output_audio_buffer.started")
            stage.task.cancel()
            await peer.of("response.done")
            await stage.until(lambda: peer.peer.connectionState == "closed")
            assert peer.all("response.done")[0]["response"]["status"] == "completed"

    run(main)


def test_what_is_no_event_is_told_and_what_has_no_end_is_dismissed(monkeypatch):
    monkeypatch.setattr(calls, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(aiortc_internals, "MAX_UNFINISHED", 200_000 - 2**20)

    async def main():
        async with CallStage() as stage, stage.call() as peer, stage.call() as other:
            for number, (message, said) in enumerate(
                [(b"x", "text"), ("{", "JSON"), ("[" * 100_000, "JSON"), ("{}", "type")], 1
            ):
                peer.channel.send(message)
                error = (await peer.of("error", number))["error"]
                assert said in error["message"]
            endless(peer)
            await stage.until(lambda: len(stage.server.gateway.sessions) == 1)
            other.ask()
            await other.of("response.done")

    run(main)


def endless(peer):
    """Sends the beginning of a message of 300 kB, and its end never."""
    sctp = peer.peer.sctp
    sctp._remote_max_message_size = 0
    transmit = sctp._send_chunk

    async def send(chunk):
        if getattr(chunk, "flags", 0) & 1 and hasattr(chunk, "user_data"):
            return  # the last fragment
        await transmit(chunk)

    sctp._send_chunk = send
    peer.channel.send("x" * 300_000)


def test_an_answer_is_sent_to_other_origins_that_may_connect():
    async def main():
        async with CallStage(allow_origin="https://example.org") as stage:
            headers = {**SDP, "origin": "https://example.org"}
            async with stage.call(headers=headers) as peer:
                assert "location" in peer.response.headers["access-control-expose-headers"].lower()

    run(main)
