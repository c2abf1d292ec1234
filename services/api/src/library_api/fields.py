"""`fields=a,b` trims each item to those members (contract 2)."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar, cast

from library_domain.shared.errors import ValidationFailed

_SHOWN_CHARACTERS = 64

ItemT = TypeVar("ItemT")


def parse_fields(given: str | None, item: type[Any]) -> Sequence[str] | None:
    """Return the members that are asked for, None for all. Raises ValidationFailed for one that no item has."""
    if given is None:
        return None
    names = list(dict.fromkeys(given.split(",")))
    known = {each.name for each in fields(item)}
    for name in names:
        if name not in known:
            raise ValidationFailed(field="fields", reason="unknown_member", name=name[:_SHOWN_CHARACTERS])
    return names


def fields_pattern(item: type[Any]) -> str:
    """Return the pattern that the parameter is published with."""
    name = f"({'|'.join(each.name for each in fields(item))})"
    return f"^{name}(,{name})*$"


def trim(item: ItemT, names: Sequence[str] | None) -> ItemT:
    """Return the item with only these members, for the encoder: whoever asks for less gets an object with less."""
    if names is None:
        return item
    return cast("ItemT", {name: getattr(item, name) for name in names})
