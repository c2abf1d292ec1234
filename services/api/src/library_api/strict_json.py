"""JSON read the way that we promise (contract 1 and 2, Strictness), whatever a lenient parser would let through.

msgspec alone keeps the last of two members of one name, and takes texts with NUL in them or in any composition
(reliability, rows 8 to 10); so a body is read in two steps: into plain values, strictly, then into the declared type.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import NoReturn, TypeAlias, TypeVar

import msgspec

from library_domain.shared.errors import ValidationFailed

MAX_DEPTH = 32
_SHOWN_CHARACTERS = 64
"""So much of a member's name is repeated to the client."""
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tab and the ends of lines, which notes have; and halves of surrogate pairs."""
TEXT_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
"""The same for the specification, which has no halves of pairs."""
_MEMBER = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`$")
_NAMED = re.compile(r"^Object (?P<what>contains unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_FORMS = {
    "Invalid UUID": "UUID",
    "Invalid RFC3339 encoded datetime": "RFC 3339",
    "Invalid enum value": "one of the values that the specification lists",
}
"""What msgspec expected where its sentence says only what it did not find; that of an enum quotes the request."""
_BODY = "body"

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
ModelT = TypeVar("ModelT")


def parse(body: bytes) -> JSON:
    """Return the plain values of a JSON text, its strings NFC-normalised.

    Raises ValidationFailed for what is no UTF-8 or no JSON, has a member twice, nests deeper than 32, or has
    numbers or characters that nothing behind the door could keep.
    """
    try:
        document: JSON = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
        )
    except RecursionError as error:
        raise ValidationFailed(field=_BODY, reason="too_deep", maximum=MAX_DEPTH) from error
    except ValueError as error:
        raise ValidationFailed(field=_BODY, reason="malformed_json") from error
    return _clean(document, "", depth=0)


def into(model: type[ModelT], document: JSON) -> ModelT:
    """Return the values as what an endpoint takes. Raises ValidationFailed naming the member that does not fit."""
    try:
        return msgspec.convert(document, model, strict=True)
    except msgspec.ValidationError as error:
        raise _failure(str(error)) from error


def canonical(document: JSON) -> bytes:
    """Return one and the same text for the same values, however they were written."""
    return msgspec.json.encode(document, order="deterministic")


def clean_text(text: str, field: str) -> str:
    """Return the text NFC-normalised. Raises ValidationFailed for control characters and lone surrogates."""
    if _FORBIDDEN.search(text):
        raise ValidationFailed(field=field[:_SHOWN_CHARACTERS] or _BODY, reason="forbidden_character")
    return unicodedata.normalize("NFC", text)


def _object(members: Sequence[tuple[str, JSON]]) -> dict[str, JSON]:
    document: dict[str, JSON] = {}
    for given, value in members:
        name = clean_text(given, _BODY)
        if name in document:
            raise ValidationFailed(field=name[:_SHOWN_CHARACTERS], reason="repeated")
        document[name] = value
    return document


def _float(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValidationFailed(field=_BODY, reason="number_out_of_range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _clean(value: JSON, path: str, *, depth: int) -> JSON:
    if isinstance(value, str):
        return clean_text(value, path)
    if isinstance(value, dict | list) and depth == MAX_DEPTH:
        raise ValidationFailed(field=path[:_SHOWN_CHARACTERS] or _BODY, reason="too_deep", maximum=MAX_DEPTH)
    if isinstance(value, dict):
        return {
            name: _clean(member, f"{path}.{name}" if path else name, depth=depth + 1)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_clean(member, f"{path}[{n}]", depth=depth + 1) for n, member in enumerate(value)]
    return value


def _failure(message: str) -> ValidationFailed:
    """Translate what msgspec says: its sentences name the member and, without quoting a value, the reason."""
    place = _MEMBER.search(message)
    path = place["path"] if place else ""
    if named := _NAMED.match(message):
        reason = "unknown_member" if named["what"] == "contains unknown" else "missing"
        parent = path.removesuffix("]") if path.endswith("]") and "[" not in path else path
        return ValidationFailed(
            field=(f"{parent}.{named['name']}" if parent else named["name"])[:_SHOWN_CHARACTERS],
            reason=reason,
        )
    said = message[: place.start()] if place else message
    return ValidationFailed(
        field=path[:_SHOWN_CHARACTERS] or _BODY, reason="invalid", expected=_expectation(said)
    )


def _expectation(said: str) -> str:
    """Return what was expected, such as "Expected `int`, got `str`"; nothing in it comes from the request."""
    if said.startswith("Expected"):
        return said
    return next((form for sentence, form in _FORMS.items() if said.startswith(sentence)), "another form")
