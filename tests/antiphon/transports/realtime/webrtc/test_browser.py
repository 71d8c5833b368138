"""OpenAI's own package for browsers, unmodified, in Chromium."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("aiortc")
from browser import QUESTION, Browser, needs_chromium, sequence
from webrtc_peer import LOWEST, STEP, CallStage, Singer

pytestmark = [needs_chromium, pytest.mark.slow]

CONNECT = """async ([key, url]) => {
    const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC } = OpenAIAgentsRealtime;
    const audioElement = document.createElement("audio");
    const transport = new OpenAIRealtimeWebRTC({ audioElement });
    const agent = new RealtimeAgent({ name: "Robot", instructions: "Be brief." });
    window.session = new RealtimeSession(agent, { transport });
    window.told = { events: [], errors: [], pitches: [] };
    session.on("error", (error) => told.errors.push(String(error?.error?.message ?? error)));
    session.on("transport_event", (event) => told.events.push(event.type));
    await session.connect({ apiKey: key, url });
    // What is heard: the loudest pitch, while there is any.
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(audioElement.srcObject).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    setInterval(() => {
        analyser.getFloatFrequencyData(bins);
        const loudest = bins.indexOf(Math.max(...bins));
        const pitch = (loudest * context.sampleRate) / analyser.fftSize;
        if (bins[loudest] > -40) told.pitches.push(pitch);
    }, 20);
}"""
SAID = """() => session.history
    .filter((item) => item.role === "assistant")
    .map((item) => item.content[0]?.transcript)"""


async def converse(browser, scripts):
    async with (
        CallStage(Singer(words=50)) as stage,
        browser.visit(stage, "health") as page,
    ):
        await page.add_script_tag(path=scripts / "openai-realtime-agents.umd.js")
        base = f"http://{stage.address}/v1/realtime"
        made = await page.request.post(f"{base}/client_secrets", data={})
        await page.evaluate(CONNECT, [(await made.json())["value"], f"{base}/calls"])
        cleared = "told.events.includes('output_audio_buffer.cleared')"
        await page.wait_for_function(cleared, timeout=30_000)
        told = await page.evaluate("told")
        assert told["errors"] == []
        assert "output_audio_buffer.started" in told["events"]
        heard = [round((pitch - LOWEST) / STEP) for pitch in told["pitches"]]
        assert set(range(3)) <= set(heard)
        await page.wait_for_function(f"({SAID})().length === 2", timeout=30_000)
        await page.evaluate("session.interrupt()")
        await stage.until(lambda: len(stage.talk.history) == 4)
        said = await page.evaluate(SAID)
        remembered = [turn.text for turn in stage.talk.history[1::2]]
        assert said[0] == remembered[0].removesuffix("—")
        assert all(text.endswith("—") for text in remembered)
        await page.evaluate("session.close()")
        await stage.until(lambda: not len(stage.server.gateway.sessions))


def test_the_package_agents_realtime_talks_over_webrtc(packages, tmp_path):
    scripts = packages / "node_modules/@openai/agents-realtime/dist/bundle"

    async def main():
        browser = Browser(sequence(tmp_path / "talk.wav", 2, QUESTION, 4.5, QUESTION, 3))
        await browser.start()
        try:
            await converse(browser, scripts)
        finally:
            await browser.close()

    asyncio.run(asyncio.wait_for(main(), 120))
