"""The specification: OpenAPI 3.1, generated from the routes (contract 2)."""

import json
from collections import defaultdict
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
import yaml
from litestar import Litestar, Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from library_api.docs_page import show_asset, show_docs
from library_api.envelope import Failure
from library_api.errors import STATUS
from library_domain.shared.errors import (
    DependencyUnavailable,
    DomainError,
    Forbidden,
    Unauthenticated,
    ValidationFailed,
)

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's, ten times as fast, where it was built in."""
ALIAS = "alias"
"""A handler that only spells another one's operation in a second way, with another body, says so in its `opt`."""
_ANYWHERE: tuple[type[DomainError], ...] = (
    ValidationFailed,
    Unauthenticated,
    Forbidden,
    DependencyUnavailable,
)
"""What every operation may refuse with, the documented one that needs no token excepted."""


def refusals(*errors: type[DomainError]) -> dict[int, ResponseSpec]:
    """Document these refusals, besides those that are possible anywhere, as `responses=` of a handler."""
    codes: defaultdict[int, set[str]] = defaultdict(set)
    for error in (*_ANYWHERE, *errors):
        codes[STATUS[error.kind].value].add(error.slug)
    return {
        status: ResponseSpec(
            data_container=Failure,
            description=", ".join(sorted(codes[status])),
            generate_examples=False,
        )
        for status in sorted(codes)
    }


def openapi_config() -> OpenAPIConfig:
    """Return how the specification is made and served: JSON at `/schema`, YAML, and a page of our own assets."""
    return OpenAPIConfig(
        title="Library Service",
        version=version("library-api"),
        description="What every player of the platform owns.",
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="Access token of the platform.",
                )
            }
        ),
        operation_id_creator=_operation_id,
        use_handler_docstrings=True,
        render_plugins=[_JSON(path="/"), _YAML()],
        openapi_router=Router(
            path="/schema",
            route_handlers=[show_docs, show_asset],
            opt={"operation": "schema.read"},
            include_in_schema=False,
            after_request=_not_found_in_our_words,
        ),
    )


def render(app: Litestar) -> str:
    """Return the specification as text that is the same for the same routes: it is committed, and drift shows."""
    return json.dumps(app.openapi_schema.to_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def render_yaml(app: Litestar) -> str:
    """Return the same as YAML."""
    return _as_yaml(app.openapi_schema.to_schema())


class _JSON(JsonRenderPlugin):
    """Renders once: anybody may ask, and the answer is always the same."""

    _rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the specification as JSON."""
        self._rendered = self._rendered or super().render(request, openapi_schema)
        return self._rendered


class _YAML(YamlRenderPlugin):
    """Renders once; it takes a second."""

    _rendered: bytes | None = None

    def render(
        self,
        request: Request[Any, Any, Any],  # noqa: ARG002 - the plugin's signature
        openapi_schema: dict[str, Any],
    ) -> bytes:
        """Return the specification as YAML."""
        self._rendered = self._rendered or _as_yaml(openapi_schema).encode()
        return self._rendered


def _as_yaml(document: object) -> str:
    # From JSON, so that enums and the like are plain values.
    plain = json.loads(msgspec.json.encode(document))
    return yaml.dump(plain, Dumper=_DUMPER, allow_unicode=True, sort_keys=True, width=110)


async def _not_found_in_our_words(response: Response[object]) -> Response[object]:
    """Refuse what Litestar answers with a page of HTML: any path under the specification's."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NotFoundException
    return response


def _operation_id(
    handler: HTTPRouteHandler, _: Method, components: list[str | PathParameterDefinition]
) -> str:
    """Name an operation as the access matrix does; its second spelling (contract 2) gets a name of its own."""
    operation: str = handler.opt["operation"]
    if handler.opt.get(ALIAS):
        return f"{operation}.alias"
    shortest = min(handler.paths, key=len)
    is_first = len(components) == len([part for part in shortest.split("/") if part])
    return operation if is_first else f"{operation}.alias"
