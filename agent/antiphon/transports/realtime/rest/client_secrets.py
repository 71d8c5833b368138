"""Secrets for a short time, so that a browser gets none that lasts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from antiphon.runtime.clock import unix_time
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.realtime.insights import offered_by
from antiphon.transports.realtime.protocol.beta import session_from_beta, session_to_beta
from antiphon.transports.realtime.protocol.config import SessionConfig, updated
from antiphon.transports.realtime.protocol.items import new_id
from antiphon.transports.realtime.protocol.validation import Strict, check
from antiphon.transports.realtime.rest.endpoint import Handler, body_of, endpoint

SECONDS = 600
"""Seconds for which a secret lets a client in."""
BETA_SECONDS = 60


class ExpiresAfter(Strict):
    """How long a secret lets a client in."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = SECONDS


class SecretRequest(Strict):
    """A secret, and the session of whoever uses it."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: dict[str, Any] = Field(default_factory=dict)


def client_secrets(gateway: Gateway) -> tuple[Handler, Handler]:
    """The endpoints, of today and of the beta version."""

    def begin(session: dict[str, Any], prefix: str) -> SessionConfig:
        config = SessionConfig(antiphon=offered_by(gateway.host))
        made: SessionConfig = updated(config, session, prefix)
        return made

    @endpoint
    async def today(request: Request) -> Response:
        asked = check(SecretRequest, await body_of(request))
        config = begin(asked.session, "session")
        secret = gateway.tokens.issue(asked.expires_after.seconds, config)
        expires = unix_time() + asked.expires_after.seconds
        session = {"id": new_id("sess"), "object": "realtime.session", **config.body()}
        return JSONResponse({"value": secret.value, "expires_at": expires, "session": session})

    @endpoint
    async def beta(request: Request) -> Response:
        config = begin(session_from_beta(await body_of(request)), "")
        secret = gateway.tokens.issue(BETA_SECONDS, config)
        told = {"value": secret.value, "expires_at": unix_time() + BETA_SECONDS}
        session = session_to_beta({"id": new_id("sess"), **config.body()})
        return JSONResponse({**session, "client_secret": told})

    return today, beta
