"""Arrays as the wire has them in binary. psycopg's own dumper asks each element what it is, which costs more than the rest."""

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEADER = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")
_BIGINT = struct.Struct("!q")
_NULL = _LENGTH.pack(-1)


def _uuid(value: UUID) -> bytes:
    return value.bytes


def _timestamptz(value: datetime) -> bytes:
    return _BIGINT.pack((value - _EPOCH) // _MICROSECOND)


def _bigint(value: int) -> bytes:
    return _BIGINT.pack(value)


def _integer(value: int) -> bytes:
    return _LENGTH.pack(value)


def _boolean(value: bool) -> bytes:  # noqa: FBT001 -- a value like the others
    return b"\x01" if value else b"\x00"


def _date(value: date) -> bytes:
    return _LENGTH.pack((value - _EPOCH.date()).days)


def _text(value: str) -> bytes:
    return value.encode()


_TYPES: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "uuid": (2950, _uuid),
    "timestamptz": (1184, _timestamptz),
    "bigint": (20, _bigint),
    "integer": (23, _integer),
    "boolean": (16, _boolean),
    "date": (1082, _date),
    "text": (25, _text),
}


def element(kind: str, value: object) -> bytes:
    """Return one value of this type, which is one of those above; None is null.

    Raises what comes of a value of another type, or of one that is too large.
    """
    if value is None:
        return _NULL
    data = _TYPES[kind][1](value)
    return _LENGTH.pack(len(data)) + data


def binary_array(kind: str, elements: Sequence[bytes]) -> bytes:
    """Return the elements as an array of this type."""
    header = _HEADER.pack(1, _NULL in elements, _TYPES[kind][0], len(elements), 1)
    return b"".join((header, *elements))
