"""OpenAI's own JavaScript clients, unmodified, over an encrypted socket."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess

import pytest
from realtime_client import Stage, with_tools

LAMP = [("set_lamp", {"on": True})]

if shutil.which("node") is None or shutil.which("npm") is None:
    pytest.skip("there is no node", allow_module_level=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2"
    given = [*made.split(), "-addext", names, "-out", str(cert), "-keyout", str(key)]
    subprocess.run(given, check=True, capture_output=True)
    return cert, key


def run(script, packages, certificate, responder):
    """What a script prints, and the stage it ran on."""
    cert, key = certificate

    async def main():
        async with Stage(responder, tls_cert=cert, tls_key=key) as stage:
            environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(cert)}
            process = await asyncio.create_subprocess_exec(
                "node",
                script,
                str(stage.port),
                cwd=packages,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, error = await asyncio.wait_for(process.communicate(), 60)
            assert process.returncode == 0, error.decode()
            return json.loads(out), stage, error.decode()

    return asyncio.run(main())


def test_the_package_openai(packages, certificate):
    told, stage, _ = run("openai.mjs", packages, certificate, with_tools([], LAMP))
    assert told["responses"] == [["written answer"], ["set_lamp"], ["The lamp is on."]]
    assert told["audio"] / 24_000 == pytest.approx(4 * 0.2, abs=0.05)
    assert [turn.text for turn in stage.talk.history][-1] == "The lamp is on."


def test_the_package_agents_realtime(packages, certificate):
    told, stage, error = run("agents.mjs", packages, certificate, with_tools(LAMP, [], []))
    assert told["errors"] == [], error
    assert told["lamp"] is True
    assert told["first"] == ["The lamp is on."]
    assert told["interrupted"] >= 1
    texts = [turn.text for turn in stage.talk.history]
    assert "Tell me something long." in texts
    cut = texts[texts.index("Tell me something long.") + 1]
    assert cut.endswith("—")
    assert len(told["said"]) == 3
