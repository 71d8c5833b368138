"""The server of all faces: who gets in, who is told to come back, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess

import httpx
import numpy as np
import pytest
import websockets
from http_stage import HttpStage
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner
from websockets.asyncio.client import connect

from antiphon.cli import main
from antiphon.errors import UserError
from antiphon.runtime.events import ReplyText
from antiphon.transports.http.face import Site
from antiphon.transports.http.guard import Guard
from antiphon.transports.http.sessions import FullError
from antiphon.transports.http.settings import HttpSettings
from antiphon.transports.http.tokens import Tokens

TOKEN = "a-token-of-the-tests"


class Parrot:
    """A client of the toy face: words are sent as text, sound as bytes."""

    robot, tools = "toy", {}

    def __init__(self, session):
        self.out: asyncio.Queue = asyncio.Queue()
        self.session = session

    def on_event(self, event):
        if isinstance(event, ReplyText):
            self.out.put_nowait(event.text)
        self.session.observe(event)

    def on_sound(self, reply, pcm):
        self.out.put_nowait(pcm.astype("<f4").tobytes())

    def on_interrupted(self, reply, reason):
        self.out.put_nowait("interrupted")


def toy(gateway):
    """The smallest face: float32 at 16 kHz in both directions."""

    async def talk(socket):
        try:
            with gateway.admit("toy") as session:
                await socket.accept()
                client = Parrot(session)
                driver = gateway.drive(client, client, session, rate=16_000, failed=print)
                tasks = [asyncio.create_task(listen(socket, session, driver))]
                tasks += [asyncio.create_task(speak(socket, client))]
                tasks += [asyncio.create_task(session.ended())]
                done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in rest:
                    task.cancel()
                driver.close()
                if tasks[2] in done:
                    await socket.close(1001, tasks[2].result())
        except FullError as error:
            again = {"retry-after": str(error.retry_after)}
            await socket.send_denial_response(JSONResponse({"error": str(error)}, 503, again))

    async def listen(socket, session, driver):
        try:
            while True:
                driver.feed(np.frombuffer(await socket.receive_bytes(), "<f4"), 16_000)
                session.touch()
        except WebSocketDisconnect:
            pass

    async def speak(socket, client):
        while True:
            said = await client.out.get()
            await (socket.send_text(said) if isinstance(said, str) else socket.send_bytes(said))

    async def page(request):
        return JSONResponse({"page": True})

    routes = [WebSocketRoute("/toy", talk), Route("/page", page), Route("/data", page)]
    return Site(routes, "Toy at {ws}/toy", frozenset({"/page"}))


def question():
    return np.concatenate([np.full(6400, 0.5), np.zeros(8000)]).astype("<f4").tobytes()


async def ask(at, **how):
    async with connect(f"ws://{at}/toy", **how) as line:
        await line.send(question())
        words = []
        while len(words) < 6:
            said = await line.recv()
            if isinstance(said, str):
                words.append(said)
    return words


def test_a_face_is_an_entry_and_a_function():
    async def main():
        async with HttpStage(toy) as stage:
            assert (await ask(stage.address))[0] == "r1w0"
            assert f"Toy at ws://127.0.0.1:{stage.port}/toy" in stage.said
            async with httpx.AsyncClient(base_url=f"http://{stage.address}") as web:
                await stage.until(lambda: not len(stage.server.gateway.sessions))
                health = (await web.get("/health")).json()
                metrics = (await web.get("/metrics")).text
            assert (health["status"], health["sessions"]) == ("ok", 0)
            assert "antiphon_turns_total 1.0" in metrics
            assert "antiphon_voice_to_voice_seconds_count 1.0" in metrics
            assert 'antiphon_sessions{face="toy"} 0.0' in metrics

    asyncio.run(main())


def test_without_the_token_nobody_gets_in(tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")

    async def main():
        async with HttpStage(toy, token_file=tmp_path / "token", host="0.0.0.0") as stage:
            async with httpx.AsyncClient(base_url=f"http://{stage.address}") as web:
                good = {"authorization": f"Bearer {TOKEN}"}
                statuses = [
                    (await web.get("/data")).status_code,
                    (await web.get("/data", headers={"authorization": "Bearer x"})).status_code,
                    (await web.get("/data", headers=good)).status_code,
                    (await web.get("/page")).status_code,
                    (await web.get("/pagefault")).status_code,
                    (await web.get("/health")).status_code,
                    (await web.get("/metrics")).status_code,
                ]
            assert statuses == [401, 401, 200, 200, 401, 200, 401]
            with pytest.raises(websockets.InvalidStatus) as refused:
                await ask(stage.address)
            assert refused.value.response.status_code == 401
            assert await ask(stage.address, additional_headers=good)
            way = {"subprotocols": ["toy", f"openai-insecure-api-key.{TOKEN}"]}
            assert await ask(stage.address, **way)
            assert any("Nothing is encrypted" in said for said in stage.said)

    asyncio.run(main())


def test_pages_of_strangers_get_nothing():
    async def main():
        async with HttpStage(toy, allow_origin="https://friend.example") as stage:
            async with httpx.AsyncClient(base_url=f"http://{stage.address}") as web:
                for headers, status in (
                    ({"origin": "https://evil.example"}, 403),
                    ({"origin": "null"}, 403),
                    ({"host": "evil.example"}, 403),
                    ({"host": "[::1"}, 403),
                    ({"origin": "https://friend.example"}, 200),
                    ({"origin": f"http://{stage.address}"}, 200),
                ):
                    assert (await web.get("/data", headers=headers)).status_code == status
            with pytest.raises(websockets.InvalidStatus) as refused:
                await ask(stage.address, origin="https://evil.example")
            assert refused.value.response.status_code == 403

    asyncio.run(main())


def test_a_second_host_hides_no_stranger():
    """The parsers of HTTP that uvicorn takes differ in whether they let it pass."""

    async def main():
        app = JSONResponse({})
        guard = Guard(app, Tokens(None), (), ())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard)) as web:
            for hosts, status in (
                (["localhost"], 200),
                (["localhost", "evil.example"], 400),
                (["localhost", "localhost"], 400),
            ):
                headers = [("host", host) for host in hosts]
                got = await web.get("http://localhost/data", headers=headers)
                assert got.status_code == status

    asyncio.run(main())


def test_who_finds_no_place_is_told_when_to_come_back():
    async def main():
        async with HttpStage(toy, max_sessions=1) as stage:
            async with connect(f"ws://{stage.address}/toy") as line:
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await ask(stage.address)
                answer = refused.value.response
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
                await line.close()
            await stage.until(lambda: not len(stage.server.gateway.sessions))
            assert await ask(stage.address)

    asyncio.run(main())


def test_who_says_nothing_is_dismissed():
    async def main():
        async with HttpStage(toy, idle=0.2) as stage, connect(f"ws://{stage.address}/toy") as line:
            with pytest.raises(websockets.ConnectionClosed):
                await line.recv()
            assert line.close_reason == "Nothing was sent for 0.2 s."

    asyncio.run(main())


def test_when_the_server_ends_replies_are_finished():
    async def main():
        async with HttpStage(toy) as stage, connect(f"ws://{stage.address}/toy") as line:
            await line.send(question())
            assert await line.recv() == "r1w0"
            stage.task.cancel()
            words = []
            with pytest.raises(websockets.ConnectionClosed):
                while True:
                    said = await line.recv()
                    words += [said] if isinstance(said, str) else []
            assert words == ["r1w1", "r1w2", "r1w3", "r1w4", "r1w5"]
            assert line.close_code == 1001

    asyncio.run(main())


def certificate(folder, name):
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN={name} -days 2"
    given = [*made.split(), "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(given, check=True, capture_output=True)
    return paths


def test_connections_are_encrypted_with_a_certificate(tmp_path):
    cert, key = certificate(tmp_path, "localhost")

    async def main():
        trust = ssl.create_default_context(cafile=str(cert))
        web = httpx.AsyncClient(verify=trust)
        async with HttpStage(toy, tls_cert=cert, tls_key=key) as stage, web:
            answer = await web.get(f"https://localhost:{stage.port}/health")
            assert answer.status_code == 200

    asyncio.run(main())


def serve(*more):
    result = CliRunner().invoke(main.app, ["serve", "--realtime", "--port", "0", *map(str, more)])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    return result.stderr


def test_what_does_not_fit_is_one_sentence(tmp_path):
    cert, _ = certificate(tmp_path, "a")
    _, key = certificate(tmp_path, "b")
    short = tmp_path / "token"
    short.write_text("short")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "choose another --port" in serve("--port", taken.getsockname()[1])
    assert "cannot be used with the key" in serve("--tls-cert", cert, "--tls-key", key)
    assert "cannot be used with the key" in serve("--tls-cert", short, "--tls-key", key)
    assert "give both" in serve("--tls-cert", cert)
    assert "give --token-file" in serve("--host", "0.0.0.0")
    assert "holds no token" in serve("--token-file", short)
    assert "cannot be read" in serve("--token-file", tmp_path / "nothing")
    assert "no port 99999" in serve("--port", 99999)
    assert "0 sessions" in serve("--max-sessions", 0)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(UserError, match="cannot be listened at"):
        HttpSettings(host="192.0.2.1").bind()
