"""The request as handlers get it: its body is bounded in size and time, and JSON is read strictly (contract 2)."""

import asyncio
from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException
from litestar.types import Empty

from library_api import strict_json
from library_api.refusals import RequestTimeout, UnsupportedMediaType
from library_api.strict_json import JSON
from library_domain.shared.errors import ValidationFailed

BODY_SECONDS = "body_seconds"
"""The application's state holds under this name how long a body may take."""
_TYPES = frozenset({"application/json", "application/json;charset=utf-8"})
_IDENTITY = "identity"


class StrictRequest(Request[object, object, State]):
    """Litestar's request; its own reading of JSON takes `"1"` for a number and any content type for JSON."""

    async def body(self) -> bytes:
        """Return the whole body, which Litestar bounds in size.

        Raises RequestTimeout when it does not come in time: granian would wait for ever (reliability, row 5). Raises
        ValidationFailed when the client breaks it off, or its framing.
        """
        try:
            async with asyncio.timeout(self.app.state[BODY_SECONDS]):
                return await super().body()
        except TimeoutError as error:
            raise RequestTimeout from error
        except InternalServerException as error:
            # Litestar's word for a client that went away.
            raise ValidationFailed(field="body", reason="incomplete") from error

    async def document(self) -> JSON:
        """Return the plain values of the JSON body.

        Raises UnsupportedMediaType for anything but JSON in UTF-8 and ValidationFailed for what is no proper JSON.
        """
        state = self._connection_state
        if state.json is Empty:
            body = await self.body()
            if body:
                self._require_json()
            else:
                raise ValidationFailed(field="body", reason="missing")
            state.json = strict_json.parse(body)
        return state.json

    async def json(self) -> Any:  # noqa: ANN401 - Litestar's signature
        """Return the body as the type that the handler declares for `data`; see `document` for what is refused."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await self.document()
        return strict_json.into(field.annotation, await self.document())

    def _require_json(self) -> None:
        given = self.headers.getall("content-type", [])
        encodings = {each.strip().lower() for each in self.headers.getall("content-encoding", [])}
        # Parameters may be quoted and spaced (RFC 9110 8.3.1); more than the one that we know is no JSON of ours.
        plain = {"".join(each.lower().replace('"', "").split()) for each in given}
        if len(given) != 1 or not plain <= _TYPES or encodings - {_IDENTITY}:
            raise UnsupportedMediaType(accepted=["application/json"])
