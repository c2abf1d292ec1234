"""The one table from what went wrong to gRPC (architecture law 6, reliability 6)."""

from collections.abc import Mapping
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

OUR_FAULT = frozenset({Status.UNKNOWN, Status.INTERNAL, Status.UNAVAILABLE, Status.DATA_LOSS})
"""What makes a span an error: the caller did nothing wrong."""


class Refusal(GRPCError):
    """A call that ends without an answer: status, the stable slug for `error-code`, and a text for people."""

    def __init__(self, status: Status, slug: str, message: str) -> None:
        super().__init__(status, message)
        self.message: str = message
        self.slug = slug


def malformed(message: str) -> Refusal:
    """Return the refusal of bytes that are no request."""
    return Refusal(Status.INVALID_ARGUMENT, "VALIDATION_ERROR", message)


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
        if isinstance(error, DependencyUnavailable):
            logger.warning("a call is refused: {}", _text(error), cause=repr(error.__cause__))
        return Refusal(STATUS[error.kind], error.slug, _text(error))
    if isinstance(error, GRPCError):
        return Refusal(error.status, error.status.name, error.message or "")
    logger.opt(exception=error).error("a call failed")
    return Refusal(Status.INTERNAL, "INTERNAL_ERROR", "The call failed; the fault is ours.")


def _text(error: DomainError) -> str:
    """Return the error's own sentence and its details, which name the field."""
    sentence = str(error).partition("\n")[0]
    details = ", ".join(f"{name}={value}" for name, value in error.details.items())
    return f"{sentence} ({details})" if details else sentence
