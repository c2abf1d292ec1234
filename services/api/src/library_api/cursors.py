"""Where a page ended, as an opaque text that only we can make (contract 2; details 3.9; data 15)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from library_domain.shared.errors import ValidationFailed
from library_domain.shared.paging import Position

_SIGNATURE_BYTES = 16
_MAX_CHARACTERS = 4096
"""A name is the longest thing in a cursor."""


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """The key that was sorted by, in the one of three members that can hold it, and the tie-breaker."""

    id: UUID
    text: str | None = None
    number: int | None = None
    time: datetime | None = None


class Cursors:
    """Makes and reads cursors; every process of a release shares the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, position: Position, *, bound_to: Sequence[object]) -> str:
        """Return the cursor of this position, good only for a request with the same `bound_to`."""
        key = position.key
        place = msgspec.msgpack.encode(
            _Place(
                id=position.id,
                text=key if isinstance(key, str) else None,
                number=key if isinstance(key, int) else None,
                time=key if isinstance(key, datetime) else None,
            )
        )
        return _spell(self._sign(place, bound_to) + place)

    def read(self, cursor: str, *, bound_to: Sequence[object]) -> Position:
        """Return the position. Raises ValidationFailed for whatever was not written for this very request."""
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            token = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise _invalid() from error
        # Base64 has several spellings of some bytes; only ours is taken.
        is_ours = _spell(token) == cursor and len(cursor) <= _MAX_CHARACTERS
        signature, place = token[:_SIGNATURE_BYTES], token[_SIGNATURE_BYTES:]
        if not is_ours or not hmac.compare_digest(signature, self._sign(place, bound_to)):
            raise _invalid()
        read = msgspec.msgpack.decode(place, type=_Place)
        held = (read.text, read.number, read.time)
        key = next((each for each in held if each is not None), None)
        return Position(key=key, id=read.id)

    def _sign(self, place: bytes, bound_to: Sequence[object]) -> bytes:
        # Length-prefixed by msgpack, so no two bindings run into one text.
        message = msgspec.msgpack.encode([*bound_to, place], order="deterministic")
        return hmac.digest(self._key, message, hashlib.sha256)[:_SIGNATURE_BYTES]


def _spell(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def _invalid() -> ValidationFailed:
    return ValidationFailed(field="cursor", reason="invalid")
