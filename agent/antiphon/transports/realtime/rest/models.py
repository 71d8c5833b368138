"""`GET /v1/models`: what this server is made of."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from antiphon.transports.http.gateway import Gateway
from antiphon.transports.realtime.insights import insights_of
from antiphon.transports.realtime.rest.endpoint import Handler, endpoint, refusal


def models(gateway: Gateway) -> tuple[Handler, Handler]:
    """The endpoints of all models, and of one."""
    made_of = insights_of(gateway.host.responder)
    names = ["antiphon", made_of.language_model, made_of.recognizer, *made_of.voices]
    known = {
        name: {"id": name, "object": "model", "created": 0, "owned_by": "antiphon"}
        for name in names
        if name
    }

    @endpoint
    async def every(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": list(known.values())})

    @endpoint
    async def one(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in known:
            message = f"There is no model {name[:80]!r}."
            return refusal(message, "model_not_found", "model", status=404)
        return JSONResponse(known[name])

    return every, one
