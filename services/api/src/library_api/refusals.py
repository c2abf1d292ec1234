"""What this door refuses on account of HTTP, which the domain does not know (contract 2, Errors)."""

from http import HTTPStatus
from typing import ClassVar


class HTTPRefusal(Exception):
    """A refusal with a status of its own; `details` is safe to show, `headers` go out with it."""

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]

    def __init__(self, *, headers: dict[str, str] | None = None, **details: object) -> None:
        super().__init__(type(self).__doc__)
        self.details = details
        self.headers = headers or {}


class UnsupportedMediaType(HTTPRefusal):
    """The body is something else than JSON in UTF-8."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "UNSUPPORTED_MEDIA_TYPE"


class PayloadTooLarge(HTTPRefusal):
    """The body is larger than the operation takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "PAYLOAD_TOO_LARGE"


class RequestTimeout(HTTPRefusal):
    """The body did not come in time; what else would come on this connection is not known."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "REQUEST_TIMEOUT"

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close"})


class RateLimited(HTTPRefusal):
    """The caller asked more often than allowed; `Retry-After` says when it may ask again, in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "RATE_LIMITED"

    def __init__(self, *, limit: int, window_seconds: int, retry_after_seconds: int) -> None:
        super().__init__(
            headers={"Retry-After": str(retry_after_seconds)}, limit=limit, window_seconds=window_seconds
        )
