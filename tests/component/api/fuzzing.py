"""What Schemathesis is told of this service; its command line loads it through SCHEMATHESIS_HOOKS."""

import os
import unicodedata
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count
from typing import Any

import schemathesis

_calls = count()
_NAMES = ("name", "category_name")
_GAME = os.environ["FUZZING_GAME"]
_NOW = datetime.now(UTC).replace(microsecond=0)
_SPAN = {"from": (_NOW - timedelta(days=9)).date().isoformat(), "to": _NOW.isoformat()}
_sessions: list[str] = []


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Change what is refused for a reason that no schema can express, so that it does not count as a failure.

    These are: cursors that are not ours, `order` beside a sort that has its own direction, keys that were used before,
    times that are out of order or too far apart, two different names of one device, and 1.0 for an integer. And one
    mistake of Schemathesis: it takes unassigned code points between marks for marks.
    """
    query = case.query or {}
    query.pop("cursor", None)
    if str(query.get("sort", "")).startswith("-") and query.get("order") == "asc":
        query.pop("order")
    if case.meta.phase.name == "stateful" and case.headers:
        case.headers.pop("Idempotency-Key", None)
    if not case.meta.generation.mode.is_positive:
        return  # a case that is to be refused stays as it is
    query.update({name: moment for name, moment in _SPAN.items() if name in query})
    if "game_id" in (case.path_parameters or {}) and next(_calls) % 2:
        case.path_parameters["game_id"] = _GAME  # one that is there, every other time
    if isinstance(case.body, dict):
        _play(case.body)
        for member in _NAMES:
            if isinstance(case.body.get(member), str):
                case.body[member] = _assigned(case.body[member])
        if isinstance(case.body.get("categories"), list):
            case.body["categories"] = [
                _assigned(name) if isinstance(name, str) else name for name in case.body["categories"]
            ]


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember the sessions that began."""
    if case.path.endswith("/start") and response.status_code == HTTPStatus.OK:
        _sessions.append(response.json()["data"]["session_id"])


def _play(body: dict[str, Any]) -> None:
    """Name a game and a session that exist every other time, one device, and whole numbers."""
    body.update({name: int(value) for name, value in body.items() if isinstance(value, float)})
    if {"device_id", "client_id"} <= body.keys():
        body.pop("client_id")
    if "game_id" in body and next(_calls) % 2:
        body["game_id"] = _GAME
    if "session_id" in body and _sessions and next(_calls) % 2:
        body["session_id"] = _sessions[-1]


def _assigned(name: str) -> str:
    return "".join("-" if unicodedata.category(each) == "Cn" else each for each in name)
