"""The page as a face of `antiphon serve`: files that speak the Realtime API from the browser."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from antiphon.settings import setting

if TYPE_CHECKING:
    from antiphon.runtime.options import Options
    from antiphon.transports.http.face import Build, Site
    from antiphon.transports.http.gateway import Gateway

PAGE = Path(__file__).with_name("page")
"""The page's files, served as they are."""
HEADERS = {
    "cache-control": "no-cache",  # asked for anew, so that page and server are of one version
    "content-security-policy": "default-src 'self'; connect-src 'self' ws: wss:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "permissions-policy": "microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Nothing is fetched from elsewhere, and no other page frames this one."""


@dataclass(frozen=True)
class WebSettings:
    """Whether the page is served."""

    TABLE: ClassVar[str] = "web"

    web: bool = setting(
        False, "Serve a page to talk with in the browser; it needs --realtime.", flags=("--web",)
    )
    open_page: bool = setting(False, "Open it in the browser.", flags=("--open",))


class WebFace:
    """The page and its files."""

    settings = WebSettings

    def prepare(self, chosen: WebSettings, options: Options) -> Build | None:
        """See `Face`."""
        if not (chosen.web or chosen.open_page):
            return None
        return lambda gateway: build(gateway, opened=chosen.open_page)


def build(gateway: Gateway, *, opened: bool = False) -> Site:
    """The addresses of the page.

    Args:
        gateway: is not needed; the page connects as any client of the Realtime API does.
        opened: whether this machine's browser is to show it.
    """
    from starlette.requests import Request
    from starlette.responses import FileResponse, Response
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    from antiphon.transports.http.face import Site

    class Files(StaticFiles):
        """Files with the page's headers."""

        def file_response(self, *args, **kwargs) -> Response:  # type: ignore[no-untyped-def]
            response = super().file_response(*args, **kwargs)
            response.headers.update(HEADERS)
            return response

    async def index(request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers=HEADERS)

    routes = [Route("/", index), Mount("/web", Files(directory=PAGE))]
    about = "Talk in the browser at {http}/"
    needs = {"/v1/realtime": "The page cannot connect to anything: give --realtime, too."}
    return Site(
        routes, about, frozenset(["/", "/web"]), needs=needs, ready=show if opened else None
    )


def show(places: Mapping[str, str]) -> None:
    """Open the page in this machine's browser, if it has a screen."""
    screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if screen:  # a browser may take its time
        threading.Thread(target=webbrowser.open, args=(f"{places['http']}/",), daemon=True).start()


WEB = WebFace()
