"""What the specification says of every operation alike, so that no handler has to repeat it (contract 2).

Litestar writes down what a handler declares; what stands around all handlers - the limits of bodies, the rate limit,
Idempotency-Key, ETags, the headers of every answer, examples in both languages - is added here, from what they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi.spec import (
    Example,
    OpenAPI,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.routes import HTTPRoute

from library_api.conditional import VERSIONED
from library_api.envelope import ErrorBody, Failure
from library_api.idempotency import KEY_HEADER, MAX_KEY_CHARACTERS, OPT_OUT, REPLAYED_HEADER
from library_api.languages import OFFERED
from library_api.media_types import OFFERS
from library_api.messages import MESSAGES
from library_api.refusals import PayloadTooLarge, RateLimited, RequestTimeout, UnsupportedMediaType
from library_domain.library.model.category import MAX_NAME
from library_domain.shared.errors import IdempotencyInProgress, IdempotencyKeyReused

_FAILURE = Reference(ref="#/components/schemas/Failure")
_JSON = "application/json"
_TRIMMED = ("LibraryItem", "LibraryItemDetail", "PlaytimeSession")
"""Shapes whose members `fields` can leave out."""
_CATEGORY_NAMES = {
    "NewCategory": "name",
    "CategoryPatch": "name",
    "Filing": "category_name",
    "ItemPatch": "categories",
}
_CATEGORY_NAME_PATTERN = r"^[\p{L}\p{M}\p{Nd} \-_.&']*[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd} \-_.&']*$"
"""What the domain takes for a category's name. The shapes do not check it, for the refusal has a code of its own."""
_ONE_DEVICE = ("Play", "NewSession")
"""Shapes that need a device, by one or the other of its names."""
_BODY_CODES: Mapping[int, str] = {
    each.status: each.code for each in (PayloadTooLarge, RequestTimeout, UnsupportedMediaType)
}
_SESSION = "019ab0e7-b1d8-7e5f-8a57-6f3c1d2e4b5a"
_EXAMPLE_DETAILS: Mapping[str, Mapping[str, object]] = {
    "VALIDATION_ERROR": {"field": "limit", "reason": "out_of_range", "minimum": 1, "maximum": 100},
    "DEPENDENCY_UNAVAILABLE": {"dependency": "postgres"},
    "RATE_LIMITED": {"limit": 120, "window_seconds": 15},
    "UNSUPPORTED_MEDIA_TYPE": {"accepted": [_JSON]},
    "INVALID_CATEGORY": {"field": "name", "reason": "characters", "allowed": " -_.&'"},
    "GAME_NOT_FOUND": {"game_id": "8f14e45f-ceea-467f-a8c1-2d1f3d4b5a6c"},
    "FORBIDDEN": {"operation": "users.library"},
    "SESSION_NOT_FOUND": {"session_id": _SESSION},
    "SESSION_ENDED": {
        "session_id": _SESSION,
        "reason": "timeout",
        "end_time": "2026-11-23T13:55:45Z",
        "duration_seconds": 8130,
        "afk_seconds": 0,
        "suspended_seconds": 0,
        "total_playtime_seconds": 353_730,
    },
    "SESSION_ALREADY_ACTIVE": {
        "session_id": _SESSION,
        "device_id": "desktop_client_001",
        "start_time": "2026-11-23T11:40:15Z",
    },
    "GAME_IN_USE": {
        "in_use_by": {
            "user_id": "1f0e3dad-9990-4345-b743-9f8ffabdffc4",
            "since": "2026-11-23T11:40:15Z",
        }
    },
}


def complete(app: Litestar) -> None:
    """Complete the specification of the application in place."""
    specification = app.openapi_schema
    for method, operation, options in _operations(app):
        _complete(method, operation, options)
    _relax_trimmed(specification)
    _publish_category_names(specification)
    _require_one_device(specification)
    _close_bodies(specification)


def _operations(app: Litestar) -> Iterator[tuple[str, Operation, Mapping[str, Any]]]:
    """Yield every documented operation with its method and the `opt` of its handler."""
    options = {
        handler.opt["operation"]: handler.opt
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "operation" in handler.opt
    }
    for item in (app.openapi_schema.paths or {}).values():
        for method in ("get", "post", "put", "patch", "delete"):
            operation: Operation | None = getattr(item, method)
            if operation is not None:
                yield method, operation, options[(operation.operation_id or "").removesuffix(".alias")]


def _complete(method: str, operation: Operation, options: Mapping[str, Any]) -> None:
    responses = operation.responses = dict(operation.responses or {})
    parameters = operation.parameters = list(operation.parameters or [])
    codes: list[tuple[int, str]] = [(HTTPStatus.TOO_MANY_REQUESTS, RateLimited.code)]
    if operation.request_body is not None:
        codes += _BODY_CODES.items()
    if method == "post" and not options.get(OPT_OUT):
        codes += [
            (HTTPStatus.CONFLICT, IdempotencyInProgress.slug),
            (HTTPStatus.UNPROCESSABLE_ENTITY, IdempotencyKeyReused.slug),
        ]
        parameters.append(_idempotency_key())
    for status, code in codes:
        _add_refusal(responses, status, code)
    if options.get(VERSIONED):
        parameters.append(_if_none_match())
        responses["304"] = OpenAPIResponse(description="What the client has is current.", headers={})
    for parameter in parameters:
        if isinstance(parameter, Parameter):
            _require_value(parameter)
    for status_text, response in responses.items():
        if isinstance(response, OpenAPIResponse):
            if status_text == str(int(HTTPStatus.OK)):
                _offer(response, options.get(OFFERS, ()))
            _describe(response, int(status_text), method=method, options=options)
    operation.responses = dict(sorted(responses.items()))


def _add_refusal(responses: dict[str, OpenAPIResponse | Reference], status: int, code: str) -> None:
    """Name one more code among those of a status."""
    known = responses.get(str(int(status)))
    names = set(known.description.split(", ")) if isinstance(known, OpenAPIResponse) else set()
    responses[str(int(status))] = OpenAPIResponse(
        description=", ".join(sorted(names | {code})),
        content={_JSON: OpenAPIMediaType(schema=_FAILURE)},
        headers={},
    )


def _offer(response: OpenAPIResponse, forms: Iterable[str]) -> None:
    """Name the forms in which an answer comes, besides JSON."""
    for form in forms:
        (response.content or {}).setdefault(form, OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING)))


def _describe(response: OpenAPIResponse, status: int, *, method: str, options: Mapping[str, Any]) -> None:
    """Add the headers that the answer bears, and to a refusal its examples."""
    headers = response.headers = dict(response.headers or {})
    headers["X-Request-ID"] = _header("The number of the request: the client's own, if it was well formed.")
    # Absent when the request was not counted, as all are while Redis is away.
    for name, description in _RATE_HEADERS.items():
        headers[name] = _header(description, kind=OpenAPIType.INTEGER)
    if status >= HTTPStatus.BAD_REQUEST:
        for content in (response.content or {}).values():
            content.examples = dict(_examples(response.description.split(", ")))
        headers["Content-Language"] = _header("The language of the message.")
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = _header("Seconds until another try may help.", kind=OpenAPIType.INTEGER)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _header("`Bearer`, with `error` if a token was given.")
    if status in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED} and options.get(VERSIONED):
        headers["ETag"] = _header("What `If-None-Match` takes; it changes when the answer may have changed.")
    if status == HTTPStatus.CREATED:
        headers["Location"] = _header("Where what was made is.")
    if status in {HTTPStatus.OK, HTTPStatus.CREATED} and method == "post" and not options.get(OPT_OUT):
        headers[REPLAYED_HEADER] = _header("`true` if this answer was given before to the same key.")


_RATE_HEADERS: Mapping[str, str] = {
    "RateLimit-Limit": "Requests per window, of the window that is nearest to its end.",
    "RateLimit-Remaining": "Requests that are left in it.",
    "RateLimit-Reset": "Seconds until it ends.",
}


def _header(description: str, *, kind: OpenAPIType = OpenAPIType.STRING) -> OpenAPIHeader:
    return OpenAPIHeader(description=description, schema=Schema(type=kind))


def _idempotency_key() -> Parameter:
    return Parameter(
        name=KEY_HEADER,
        param_in="header",
        description="Makes repeating safe for 24 hours: the same key and request get the first answer again.",
        schema=Schema(
            type=OpenAPIType.STRING, min_length=1, max_length=MAX_KEY_CHARACTERS, pattern="^[\\x20-\\x7e]+$"
        ),
    )


def _if_none_match() -> Parameter:
    return Parameter(
        name="If-None-Match",
        param_in="header",
        description="ETags that the client has; 304 if one of them is current.",
        schema=Schema(type=OpenAPIType.STRING),
    )


def _require_value(parameter: Parameter) -> None:
    """Say that a parameter which is given has a value: `null` is how Python spells one that is left out."""
    schema = parameter.schema
    if not isinstance(schema, Schema) or not schema.one_of:
        return
    (real,) = [
        each for each in schema.one_of if not (isinstance(each, Schema) and each.type is OpenAPIType.NULL)
    ]
    if isinstance(real, Schema):
        bounds = ("min_length", "max_length", "pattern", "minimum", "maximum", "format", "any_of")
        for name in bounds:
            setattr(real, name, getattr(schema, name) if getattr(real, name) is None else getattr(real, name))
    parameter.schema = real


def _examples(codes: Iterable[str]) -> Iterator[tuple[str, Example]]:
    """Yield every code in every language."""
    for code in codes:
        for language in OFFERED:
            failure = Failure(
                error=ErrorBody(
                    code=code, message=MESSAGES[code][language], details=_EXAMPLE_DETAILS.get(code, {})
                )
            )
            yield f"{code}.{language}", Example(value=msgspec.to_builtins(failure))


def _relax_trimmed(specification: OpenAPI) -> None:
    """Let items lack members: whoever asks with `fields` gets only those."""
    for name in _TRIMMED:
        schema = specification.components.schemas[name]
        schema.required = None
        schema.description = (
            f"{schema.description or ''} With `fields`, only the members that it names.".strip()
        )


def _publish_category_names(specification: OpenAPI) -> None:
    for shape, member in _CATEGORY_NAMES.items():
        schema = (specification.components.schemas[shape].properties or {})[member]
        for each in _strings(schema):
            each.min_length, each.max_length = 1, MAX_NAME
            each.pattern = _CATEGORY_NAME_PATTERN


def _require_one_device(specification: OpenAPI) -> None:
    for shape in _ONE_DEVICE:
        specification.components.schemas[shape].any_of = [
            Schema(required=["device_id"]),
            Schema(required=["client_id"]),
        ]


def _strings(schema: Schema | Reference | None) -> Iterator[Schema]:
    """Yield what describes the text in a member: itself, or what it is a list of."""
    if not isinstance(schema, Schema):
        return
    if schema.type is OpenAPIType.STRING:
        yield schema
    for inner in (*(schema.one_of or ()), schema.items):
        yield from _strings(inner)


def _close_bodies(specification: OpenAPI) -> None:
    """Say that a body has no other members: they are refused (contract 1)."""
    for item in (specification.paths or {}).values():
        for operation in (item.post, item.put, item.patch):
            body = operation.request_body if operation else None
            for content in (body.content if isinstance(body, RequestBody) else {}).values():
                if isinstance(content.schema, Reference):
                    specification.components.schemas[content.schema.value].additional_properties = False
