"""The page as files: what is served, to whom, and when the browser is opened."""

from __future__ import annotations

import asyncio
import re
import sys
import webbrowser

import httpx
import pytest
from browser import PageStage
from http_stage import HttpStage
from typer.testing import CliRunner

from antiphon.cli import main as cli
from antiphon.runtime.options import Options
from antiphon.transports.web.face import PAGE, WEB, WebSettings, build, show

TOKEN = "a-token-of-the-tests"


def run(main):
    asyncio.run(asyncio.wait_for(main(), 30))


def test_every_file_the_page_names_is_served_with_its_type_and_kept_to_this_server():
    async def main():
        async with PageStage() as stage, httpx.AsyncClient() as client:
            here = f"http://{stage.address}"
            page = await client.get(f"{here}/")
            assert page.headers["content-type"].startswith("text/html")
            assert "default-src 'self'" in page.headers["content-security-policy"]
            named = re.findall(r'(?:href|src)="(web/[^"]+)"', page.text)
            assert named[:3] == ["web/icon.svg", "web/style.css", "web/app.js"]
            assert len(named) > 10
            for path in named:
                answer = await client.get(f"{here}/{path}")
                assert answer.status_code == 200
                assert answer.headers["x-content-type-options"] == "nosniff"
            script = await client.get(f"{here}/web/app.js")
            assert "javascript" in script.headers["content-type"]
            for path in ("/web/", "/web/../face.py", "/web/%2e%2e/face.py", "/web/none.js"):
                assert (await client.get(f"{here}{path}")).status_code == 404

    run(main)


def test_the_page_says_what_it_needs():
    async def main():
        async with HttpStage(build) as stage:
            assert any("--realtime" in said for said in stage.said)
        async with PageStage() as stage:
            assert not any("--realtime" in said for said in stage.said)

    run(main)


def test_modules_import_only_modules_that_exist():
    imported = 0
    for module in PAGE.rglob("*.js"):
        for name in re.findall(r'from "(\.[^"]+)"', module.read_text("utf-8")):
            assert (module.parent / name).is_file()
            imported += 1
    assert imported > 10


def test_what_the_page_imports_is_fetched_at_once():
    preloaded = re.findall(r'modulepreload" href="web/([^"]+)"', (PAGE / "index.html").read_text())
    imported, waiting = set[str](), ["app.js"]
    while waiting:
        module = waiting.pop()
        for name in re.findall(r'from "(\.[^"]+)"', (PAGE / module).read_text("utf-8")):
            found = ((PAGE / module).parent / name).resolve().relative_to(PAGE).as_posix()
            if found not in imported:
                imported.add(found)
                waiting.append(found)
    assert sorted(preloaded) == sorted(imported)


def test_the_page_needs_no_token_and_everything_else_does(tmp_path):
    async def main():
        file = tmp_path / "token"
        file.write_text(TOKEN)
        async with PageStage(token_file=file) as stage, httpx.AsyncClient() as client:
            here = f"http://{stage.address}"
            for path in ("/", "/web/app.js"):
                assert (await client.get(f"{here}{path}")).status_code == 200
            for path in ("/metrics", "/webs", "//metrics"):
                assert (await client.get(f"{here}{path}")).status_code == 401
            foreign = {"origin": "https://example.org"}
            assert (await client.get(f"{here}/", headers=foreign)).status_code == 403

    run(main)


def test_the_address_is_told_and_opened_once_it_is_served(monkeypatch):
    async def main():
        opened: list[str] = []
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setattr(webbrowser, "open", opened.append)
        build = WEB.prepare(WebSettings(open_page=True), Options())
        async with HttpStage(build) as stage:
            await stage.until(lambda: opened)
            assert opened == [f"http://{stage.address}/"]
            assert f"Talk in the browser at http://{stage.address}/" in stage.said
        async with PageStage():
            assert len(opened) == 1

    run(main)


def test_the_browser_stays_closed_where_there_is_no_screen(monkeypatch):
    def never(address):
        pytest.fail("a browser was opened")

    monkeypatch.setattr(webbrowser, "open", never)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    show({"http": "http://127.0.0.1:1"})


def test_serve_offers_the_page():
    assert WEB.prepare(WebSettings(), Options()) is None
    told = CliRunner().invoke(cli.app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    assert "--web" in told and "--open" in told
