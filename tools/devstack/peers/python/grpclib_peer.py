"""CheckGameAccess as grpclib's documentation would have it written: asyncio's own loop, protobuf's own messages."""

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg
import jwt
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server, Stream
from grpclib.utils import graceful_exit

SQL = (Path(os.environ["PEER_SQL"]) / "access.sql").read_text()
KEY = jwt.PyJWK(json.loads(os.environ["PEER_KEY"])).key


def _messages() -> tuple[type, type]:
    """Return the classes of request and response, made from the project's own descriptors."""
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(Path(os.environ["PEER_PROTOS"]).read_bytes())
    pool = DescriptorPool()
    for file in descriptors.file:
        pool.Add(file)
    names = ("library.v1.CheckGameAccessRequest", "library.v1.CheckGameAccessResponse")
    request, response = (message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names)
    return request, response


Request, Response = _messages()


class LibraryQueries:
    """The one method that is measured."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def check_game_access(self, stream: Stream) -> None:
        """Answer whether the player may play the game."""
        _require_system(str(stream.metadata.get("authorization", "")))
        request = await stream.recv_message()
        row = await self._pool.fetchrow(SQL, request.user_id, request.game_id)
        response = Response(
            has_access=row["allowed"],
            access_type=row["via"] or "",
            reason=row["reason"] or "",
            owner_id=row["owner_id"] or "",
        )
        if row["expires_at"] is not None:
            response.expires_at.FromDatetime(row["expires_at"])
        await stream.send_message(response)

    def __mapping__(self) -> dict[str, Handler]:
        """Name the method, as generated code would."""
        path = "/library.v1.LibraryQueryService/CheckGameAccess"
        return {path: Handler(self.check_game_access, Cardinality.UNARY_UNARY, Request, Response)}


def _require_system(authorization: str) -> None:
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "),
            KEY,
            algorithms=["RS256"],
            audience=os.environ["PEER_AUDIENCE"],
            issuer=os.environ["PEER_ISSUER"],
        )
    except jwt.InvalidTokenError as refused:
        raise GRPCError(Status.UNAUTHENTICATED) from refused
    if claims.get("role") != "system":
        raise GRPCError(Status.PERMISSION_DENIED)


async def main(port: int) -> None:
    """Serve until SIGTERM."""
    async with asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=1, max_size=10, command_timeout=5
    ) as pool:
        server = Server([LibraryQueries(pool)])
        with graceful_exit([server]):
            await server.start("127.0.0.1", port)
            await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
