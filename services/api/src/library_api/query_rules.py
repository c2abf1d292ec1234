"""Query parameters are what the specification says and nothing else (contract 2, Strictness).

Litestar ignores parameters that it does not know, takes the last of a repeated one, and reads `1.0` and `1e2` as
integers (reliability, row 9).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from litestar import Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.openapi.spec import OpenAPI, OpenAPIType, Parameter, Reference, Schema
from litestar.types import ASGIApp, Receive, Scope, Send

from library_api.strict_json import clean_text
from library_domain.shared.errors import ValidationFailed

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_BOOLEANS = frozenset({"true", "false"})
_NULL = "null"
_SHOWN_CHARACTERS = 64
"""So much of an unknown parameter's name is repeated to the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryParameter:
    """How one parameter may be given."""

    repeatable: bool
    kind: OpenAPIType | None
    is_text: bool
    """Any text will do: no number, name of ours or id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRules:
    """What the query of one path may have, and what it must have."""

    allowed: Mapping[str, QueryParameter]
    required: Sequence[str] = ()


Rules = Mapping[str, PathRules]
"""By path template."""
_NOTHING = PathRules(allowed={})


def published_rules(specification: OpenAPI) -> Rules:
    """Return the parameters of each GET as the specification publishes them."""
    return {
        template: _rules(item.get.parameters or ())
        for template, item in (specification.paths or {}).items()
        if item.get
    }


class StrictQuery(ASGIMiddleware):
    """Refuses a query with an unknown, repeated, malformed or missing parameter. Raises ValidationFailed naming it.

    No Litestar guard, because those are copied and, when they do not wait, sent to a thread at every request.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request pass if its query is in order."""
        # Parsed once: Litestar keeps the result in the scope, where the handler's parameters come from too.
        _require_utf8(scope["query_string"])
        given = list(Request[object, object, State](scope).query_params.multi_items())
        rules: Rules = scope["litestar_app"].state.query_rules
        its_own = rules.get(scope["path_template"], _NOTHING)
        if given:
            _check(given, its_own.allowed)
        _require(its_own.required, given)
        await next_app(scope, receive, send)


def _require_utf8(query: bytes) -> None:
    """Refuse what Litestar would read with replacement characters. Raises ValidationFailed naming the parameter."""
    for part in query.split(b"&"):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError as error:
            name = unquote_to_bytes(part.partition(b"=")[0]).decode(errors="replace")
            raise ValidationFailed(field=name[:_SHOWN_CHARACTERS], reason="not_utf8") from error


def _check(given: Sequence[tuple[str, str]], allowed: Mapping[str, QueryParameter]) -> None:
    times = Counter(name for name, _ in given)
    for name, value in given:
        rule = allowed.get(name)
        if rule is None:
            raise ValidationFailed(field=name[:_SHOWN_CHARACTERS], reason="unknown_parameter")
        if times[name] > 1 and not rule.repeatable:
            raise ValidationFailed(field=name, reason="repeated")
        if rule.kind is OpenAPIType.INTEGER and not _INTEGER.fullmatch(value):
            raise ValidationFailed(field=name, reason="not_an_integer")
        if rule.kind is OpenAPIType.BOOLEAN and value not in _BOOLEANS:
            raise ValidationFailed(field=name, reason="not_a_boolean")
        if value.lower() == _NULL and not rule.is_text:
            # Litestar would take it for a parameter that is left out.
            raise ValidationFailed(field=name, reason="invalid")
        clean_text(value, name)


def _require(names: Sequence[str], given: Sequence[tuple[str, str]]) -> None:
    for name in names:
        if all(each != name for each, _ in given):
            raise ValidationFailed(field=name, reason="missing")


def _rules(parameters: Iterable[Parameter | Reference]) -> PathRules:
    ours = [each for each in parameters if isinstance(each, Parameter) and each.param_in == "query"]
    return PathRules(
        allowed={each.name: _rule(each) for each in ours},
        required=[each.name for each in ours if each.required],
    )


def _rule(parameter: Parameter) -> QueryParameter:
    schema = parameter.schema
    if not isinstance(schema, Schema) or not isinstance(schema.type, OpenAPIType):
        return QueryParameter(repeatable=False, kind=None, is_text=False)
    return QueryParameter(
        repeatable=schema.type is OpenAPIType.ARRAY,
        kind=schema.type,
        is_text=schema.type is OpenAPIType.STRING and schema.format is None,
    )
