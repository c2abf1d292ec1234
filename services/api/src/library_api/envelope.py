"""The envelope around every answer (contract 2)."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """What went well. Each endpoint subclasses it and says what its `data` is."""

    status: Literal["success"] = "success"
    data: object
    error: None = None


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong: a stable code, a sentence for a person, and the field, limit or id that it concerns."""

    code: str
    message: str
    details: Mapping[str, object]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What did not go well."""

    status: Literal["error"] = "error"
    data: None = None
    error: ErrorBody
