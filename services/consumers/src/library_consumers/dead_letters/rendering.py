"""Dead letters as JSON and as lines for people; what is in them was written by anybody."""

import base64
import json
from typing import Any

from library_adapters.kafka import DeadLetter
from library_consumers.dead_letters.selection import Place

_SHOWN_ERROR = 100
"""Characters of an error in a list."""


def line(letter: DeadLetter) -> dict[str, Any]:
    """Return what a list tells of it."""
    return {
        "topic": letter.topic,
        "place": str(Place.of(letter)),
        "buried_at": letter.buried_at.isoformat().replace("+00:00", "Z"),
        "reason": letter.reason,
        "error": letter.notes.get("error"),
        **_content("key", letter.key),
        "from": {name: letter.notes.get(name) for name in ("partition", "offset", "timestamp")},
    }


def whole(letter: DeadLetter) -> dict[str, Any]:
    """Return all of it."""
    return line(letter) | {
        "notes": dict(letter.notes),
        "headers": [{"name": name, **_content("value", value)} for name, value in letter.headers],
        **_content("value", letter.value),
    }


def _content(name: str, value: bytes | None) -> dict[str, Any]:
    """Return bytes as JSON has them: a document, a text, or in base64 what is neither."""
    if value is None:
        return {name: None}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {name: text}
    return {name: document if isinstance(document, dict | list) else text}


def printable(text: str) -> str:
    """Return the text on one line and without what a terminal would obey."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def row(letter: DeadLetter) -> str:
    """Return a line of a table."""
    error = printable(letter.notes.get("error", ""))[:_SHOWN_ERROR]
    return (
        f"{letter.topic} {Place.of(letter)!s:<12} {letter.buried_at:%Y-%m-%d %H:%M:%SZ}  "
        f"{printable(letter.reason):<18} {error}"
    )
