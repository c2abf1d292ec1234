"""Texts and times of messages as the rules know them; what is none is refused by the field's name."""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import msgspec

from library_domain.shared.errors import ValidationFailed

_UUID_CHARACTERS = 36
# As REST has it: what PostgreSQL does not keep, or nobody reads.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

WordT = TypeVar("WordT", bound=StrEnum)


def uuid(text: str, field: str) -> UUID:
    """Return the UUID. Raises ValidationFailed naming the field."""
    return uuids((text,), field)[0]


def uuids(texts: Iterable[str], field: str) -> list[UUID]:
    """Return the UUIDs, each written in the one canonical way, in any case. Raises ValidationFailed naming the field."""
    given = list(texts)
    try:
        # Of the two spellings that msgspec reads only one has so many characters.
        if all(len(text) == _UUID_CHARACTERS for text in given):
            return msgspec.convert(given, list[UUID])
    except msgspec.ValidationError:
        pass
    raise ValidationFailed(field=field, reason="not_a_uuid")


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
