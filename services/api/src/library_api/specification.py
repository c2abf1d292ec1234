"""The specification without a running service, for `docs/api/openapi.json`."""

from dataclasses import fields
from typing import Any, NoReturn

from litestar import Litestar

from library_api.app import create_routing
from library_api.application import Application
from library_api.openapi import render, render_yaml


def specification() -> str:
    """Return the specification of the routes as they are in the code. Opens nothing: no request ever comes."""
    return render(_routing())


def specification_yaml() -> str:
    """Return the same as YAML."""
    return render_yaml(_routing())


def _routing() -> Litestar:
    parts: dict[str, Any] = {each.name: _unreachable for each in fields(Application)}
    return create_routing(Application(**parts | {"cors_origins": ()}))


async def _unreachable(*_: object) -> NoReturn:
    raise AssertionError("a specification serves no request")
