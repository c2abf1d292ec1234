"""The one table from what went wrong to gRPC (architecture law 6, reliability 6)."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from grpclib.const import Status
from grpclib.exceptions import GRPCError
from loguru import logger

from library_domain.shared.errors import DependencyUnavailable, DomainError, Kind

STATUS: Mapping[Kind, Status] = MappingProxyType(
    {
        Kind.INVALID: Status.INVALID_ARGUMENT,
        Kind.UNAUTHENTICATED: Status.UNAUTHENTICATED,
        Kind.FORBIDDEN: Status.PERMISSION_DENIED,
        Kind.NOT_FOUND: Status.NOT_FOUND,
        Kind.CONFLICT: Status.FAILED_PRECONDITION,
        Kind.UNPROCESSABLE: Status.INVALID_ARGUMENT,
        Kind.UNAVAILABLE: Status.UNAVAILABLE,
    },
)

MESSAGES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.INVALID: "The request is not valid.",
        Kind.UNAUTHENTICATED: "There is no valid access token.",
        Kind.FORBIDDEN: "This is not allowed.",
        Kind.NOT_FOUND: "There is no such thing.",
        Kind.CONFLICT: "The present state does not allow this.",
        Kind.UNPROCESSABLE: "The request cannot be carried out as it is.",
        Kind.UNAVAILABLE: "Something that the service needs does not answer; ask again later.",
    },
)
"""What a person reads; programs read `error-code` and `error-details`."""

OUR_FAULT = frozenset(
    {
        Status.UNKNOWN,
        Status.DEADLINE_EXCEEDED,
        Status.UNIMPLEMENTED,
        Status.INTERNAL,
        Status.UNAVAILABLE,
        Status.DATA_LOSS,
    },
)
"""What makes a server's span an error (OpenTelemetry, semantic conventions for gRPC)."""

_MAX_DETAILS = 1_024


class Refusal(GRPCError):
    """A call that ends without an answer: status, the stable slug for `error-code`, a text, and what names the field."""

    def __init__(
        self,
        status: Status,
        slug: str,
        message: str,
        *,
        details: Mapping[str, object] = MappingProxyType({}),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(status, message)
        self.message: str = message
        self.slug = slug
        self._details = details
        self._retry_after_seconds = retry_after_seconds

    @property
    def trailers(self) -> dict[str, str]:
        """What programs read of it: `error-code`; `error-details`, the JSON object that REST has too; `retry-after`."""
        trailers = {"error-code": self.slug}
        if self._details:
            # In ASCII, as metadata are; what would not fit is left out rather than cut.
            details = json.dumps(dict(self._details), default=_as_in_rest, separators=(",", ":"))
            if len(details) <= _MAX_DETAILS:
                trailers["error-details"] = details
        if self._retry_after_seconds is not None:
            trailers["retry-after"] = str(self._retry_after_seconds)
        return trailers


def _as_in_rest(value: object) -> str:
    """Return what JSON has no word for: an id, or a time in RFC 3339 with the `Z` that REST has."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def malformed(message: str) -> Refusal:
    """Return the refusal of bytes that are no request."""
    return Refusal(Status.INVALID_ARGUMENT, "VALIDATION_ERROR", message)


def too_large(message: str) -> Refusal:
    """Return the refusal of a message that is longer than we read or write."""
    return Refusal(Status.RESOURCE_EXHAUSTED, "PAYLOAD_TOO_LARGE", message)


def too_late() -> Refusal:
    """Return the refusal of a call whose time is over."""
    return Refusal(Status.DEADLINE_EXCEEDED, "REQUEST_TIMEOUT", "The time for this call is over.")


def refusal_for(error: Exception) -> Refusal:
    """Return what the caller is told; log what only we may know.

    An error that nobody anticipated is a bug: the caller learns only that, the log has the rest.
    """
    if isinstance(error, Refusal):
        return error
    if isinstance(error, DomainError):
        return _anticipated(error)
    if isinstance(error, GRPCError):
        return Refusal(error.status, error.status.name, error.message or "")
    logger.opt(exception=error).error("a call failed")
    return Refusal(Status.INTERNAL, "INTERNAL_ERROR", "The call failed; the fault is ours.")


def _anticipated(error: DomainError) -> Refusal:
    retry_after_seconds = None
    if isinstance(error, DependencyUnavailable):
        retry_after_seconds = error.retry_after_seconds
        logger.warning("a dependency did not answer", cause=repr(error.__cause__), **error.details)
    named = ", ".join(f"{name}={value}" for name, value in error.details.items())
    return Refusal(
        STATUS[error.kind],
        error.slug,
        f"{MESSAGES[error.kind]} ({named})" if named else MESSAGES[error.kind],
        details=error.details,
        retry_after_seconds=retry_after_seconds,
    )
