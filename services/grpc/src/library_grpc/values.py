"""Texts and times of messages as the rules know them; what is none is refused by the field's name."""

import re
import unicodedata
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from library_domain.shared.errors import ValidationFailed

# The one canonical spelling, in any case; Python reads others too.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# As REST has it: what PostgreSQL does not keep, or nobody reads.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

WordT = TypeVar("WordT", bound=StrEnum)


def uuid(text: str, field: str) -> UUID:
    """Return the UUID. Raises ValidationFailed naming the field."""
    if not _UUID.fullmatch(text):
        raise ValidationFailed(field=field, reason="not_a_uuid")
    return UUID(text)


def word(words: type[WordT], text: str, field: str) -> WordT:
    """Return the word of a closed set. Raises ValidationFailed naming the field."""
    try:
        return words(text)
    except ValueError:
        raise ValidationFailed(field=field, reason="invalid") from None


def line(text: str, field: str, *, maximum: int) -> str:
    """Return the text in NFC. Raises ValidationFailed naming the field for one that is too long or not printable."""
    if _FORBIDDEN.search(text):
        raise ValidationFailed(field=field, reason="forbidden_character")
    composed = unicodedata.normalize("NFC", text)
    if len(composed) > maximum:
        raise ValidationFailed(field=field, reason="too_long", maximum=maximum)
    return composed
