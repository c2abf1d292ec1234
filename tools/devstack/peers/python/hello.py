"""Nothing but an answer: how many requests granian itself can serve to ASGI."""

from typing import Any


async def app(scope: dict[str, Any], _receive: object, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
    """Answer thirteen bytes."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"13")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, world!"})
