"""The door's one table from failures to HTTP (architecture, law 6; reliability 6), and the answers made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.types import Receive, Scope, Send
from loguru import logger

from library_api.envelope import ErrorBody, Failure
from library_api.languages import Language, negotiate
from library_api.messages import MESSAGES, PLAY_DENIED
from library_api.methods import allow
from library_api.refusals import HTTPRefusal, PayloadTooLarge
from library_domain.library.errors import AccessDenied
from library_domain.shared.caller import current_caller
from library_domain.shared.errors import DependencyUnavailable, DomainError, Kind

STATUS: Mapping[Kind, HTTPStatus] = {
    Kind.INVALID: HTTPStatus.BAD_REQUEST,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.UNPROCESSABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}

_FRAMEWORK: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "VALIDATION_ERROR",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PayloadTooLarge.code,
}
"""What Litestar refuses by itself, before a handler is asked. Anything else that it raises is our bug."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A failure as HTTP shows it, whatever the language."""

    status: HTTPStatus
    code: str
    details: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    message: Mapping[Language, str] | None = None
    """The text for people, where the code's own (`MESSAGES`) would mislead."""


def answer(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    """Answer for whatever was raised: Litestar's exception handler for everything."""
    refusal = _refuse(error, with_credentials="authorization" in request.headers)
    _log(refusal, error)
    language = negotiate(request.headers.get("accept-language"))
    body = Failure(
        error=ErrorBody(
            code=refusal.code,
            message=(refusal.message or MESSAGES[refusal.code])[language],
            details=refusal.details,
        )
    )
    return Response(
        _encode(body),
        status_code=refusal.status,
        media_type=MediaType.JSON,
        headers={
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Vary": "Accept-Language",
            **refusal.headers,
        },
    )


async def refuse(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    """Send the answer to an error that was raised outside Litestar, where its exception handlers do not reach."""
    request: Request[object, object, State] = Request(scope, receive, send)
    await answer(request, error).to_asgi_response(app=None, request=request)(scope, receive, send)


def _refuse(error: Exception, *, with_credentials: bool) -> Refusal:
    """Look the failure up."""
    if isinstance(error, DomainError):
        return _refuse_domain(error, with_credentials=with_credentials)
    if isinstance(error, HTTPRefusal):
        return Refusal(status=error.status, code=error.code, details=error.details, headers=error.headers)
    if isinstance(error, HTTPException) and error.status_code in _FRAMEWORK:
        return _refuse_framework(error)
    # A bug. What it says may name a table, a host or a person: the client gets the request's number only.
    return Refusal(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="INTERNAL_ERROR",
        details={"request_id": current_caller().request_id},
    )


def _refuse_domain(error: DomainError, *, with_credentials: bool) -> Refusal:
    headers: dict[str, str] = {}
    if error.kind is Kind.UNAUTHENTICATED:
        # RFC 6750 3.1: a client without credentials is told how to bring them, not that they were wrong.
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if with_credentials else "Bearer"
    if isinstance(error, DependencyUnavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Refusal(
        status=STATUS[error.kind],
        code=error.slug,
        details=error.details,
        headers=headers,
        message=PLAY_DENIED if isinstance(error, AccessDenied) else None,
    )


def _refuse_framework(error: HTTPException) -> Refusal:
    status = HTTPStatus(error.status_code)
    headers = {}
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        headers["Connection"] = "close"  # the rest of the body is not read
    if isinstance(error, MethodNotAllowedException):
        headers["Allow"] = allow((error.headers or {})["allow"].split(", "))
    return Refusal(status=status, code=_FRAMEWORK[status], details=_details(error), headers=headers)


def _details(error: HTTPException) -> dict[str, object]:
    """Return the parameter that Litestar could not read. Its own text is left out: it quotes the URL."""
    problems = error.extra if isinstance(error.extra, list) else []
    named = (problem for problem in problems if isinstance(problem, dict) and "key" in problem)
    problem = next(named, None)
    if problem is None:
        return {}
    if problem["key"] == "data":
        # Whatever is wrong inside a body is said by `strict_json`; there is none.
        return {"field": "body", "reason": "missing"}
    return {"field": problem["key"], "reason": "invalid"}


def _log(refusal: Refusal, error: Exception) -> None:
    """Log what an operator has to know; refusals that are the client's own are in the access log."""
    if refusal.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.opt(exception=error).error("a request failed unexpectedly")
    elif isinstance(error, DependencyUnavailable):
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        logger.warning("a dependency did not answer", dependency=error.details["dependency"], cause=cause)
