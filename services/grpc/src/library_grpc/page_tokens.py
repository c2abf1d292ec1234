"""Where a page of played games ended, as an opaque text.

It is not signed as REST's cursors are: whoever may call this door may ask for everything that a token could be bent to.
"""

import base64
import binascii
import hashlib
import struct
from uuid import UUID

from library_domain.shared.errors import ValidationFailed
from library_domain.shared.paging import Position

_PLACE = struct.Struct(">8sQ16s")
"""For which question it was written, the playtime that was sorted by, and the game."""


def write(position: Position, *, user_id: UUID, game_id: UUID | None) -> str:
    """Return the token of this position, good only for this user and game (None: all games).

    Raises ValueError for a key that is no number.
    """
    if not isinstance(position.key, int):
        msg = "games are paged by their playtime"
        raise ValueError(msg)  # noqa: TRY004 - of a port's answer, not of an argument
    place = _PLACE.pack(_mark(user_id, game_id), position.key, position.id.bytes)
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode()


def read(token: str, *, user_id: UUID, game_id: UUID | None) -> Position:
    """Return the position. Raises ValidationFailed for whatever was not written for this user and game."""
    try:
        place = base64.b64decode(
            token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
        )
        mark, key, last = _PLACE.unpack(place)
    except (binascii.Error, UnicodeEncodeError, struct.error) as error:
        raise _invalid() from error
    position = Position(key=key, id=UUID(bytes=last))
    # A playtime that no column holds is not ours.
    if mark != _mark(user_id, game_id) or key >= 2**63:
        raise _invalid()
    # Base64 has several spellings of some bytes; only ours is taken.
    if write(position, user_id=user_id, game_id=game_id) != token:
        raise _invalid()
    return position


def _mark(user_id: UUID, game_id: UUID | None) -> bytes:
    return hashlib.sha256(user_id.bytes + (b"" if game_id is None else game_id.bytes)).digest()[:8]


def _invalid() -> ValidationFailed:
    return ValidationFailed(field="page_token", reason="invalid")
