"""The peers and limits as processes: installed by `make bench` into build/bench, sources in tools/devstack/peers."""

import json
import re
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from library_devstack.bench.plan import FASTAPI, FASTIFY, GRPCLIB, HELLO, Contestant
from library_devstack.stack import NotHealthy, StackError
from library_devstack.stack.component import Component
from library_devstack.stack.process import minimal_environment
from library_devstack.stack.state import LOOPBACK, State
from library_devstack.standins.issuer import Issuer

_CONNECT_SECONDS = 1.0
_ORDERS = {"page_newest": "acquisition_date DESC, game_id DESC", "page_by_name": "sort_name, game_id"}
_COMMENTS = re.compile(r"\A(?:--[^\n]*\n)+")
_PLAYER = "md5('player/' || (:player)::text)::uuid"
_GAME = "md5('game/' || ((:player * 31 + :slot * 97) % 4500)::text)::uuid"


class Peer(Component):
    """A server of somebody else's making; healthy when it takes connections."""

    def __init__(
        self, contestant: Contestant, state: State, command: Sequence[str], env: Mapping[str, str]
    ) -> None:
        self.name = contestant.name
        self.port_names = (f"bench.{contestant.name}",)
        super().__init__(state)
        self._argv = command
        self._environment = env

    def env(self) -> dict[str, str]:
        """Return nothing: only the benchmark speaks with it."""
        return {}

    def health(self) -> None:
        """Connect."""
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=_CONNECT_SECONDS).close()
        except OSError as problem:
            raise NotHealthy(str(problem)) from problem

    def _command(self) -> list[str]:
        return [part.replace("{port}", str(self.port)) for part in self._argv]

    def _spawn(self) -> None:
        self.process.spawn(self._command(), env=minimal_environment(**self._environment), cwd=self.data)


class Statements:
    """The statements that peers and pgbench send, made from tools/devstack/peers/sql."""

    def __init__(self, source: Path) -> None:
        texts = {path.stem: _COMMENTS.sub("", path.read_text("utf-8")) for path in source.glob("*.sql")}
        page, access = texts["page"], texts["access"]
        self._texts = {name: page.replace("{order}", order) for name, order in _ORDERS.items()} | {
            "item": texts["item"].replace("{access}", access),
            "access": access,
            **{name: texts[name] for name in ("heartbeat", "start", "started")},
        }

    def write_for_drivers(self, folder: Path) -> Path:
        """Write each with parameters as PostgreSQL numbers them: the user, then the game or the limit."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self._texts.items():
            numbered = text.replace(":user_id", "$1::uuid").replace(":game_id", "$2::uuid")
            numbered = numbered.replace(":session_id", "$3::uuid" if ":game_id" in text else "$2::uuid")
            (folder / f"{name}.sql").write_text(numbered.replace(":limit", "$2::bigint"), "utf-8")
        return folder

    def write_for_pgbench(self, folder: Path, *, players: int) -> Path:
        """Write each as a script of pgbench's that takes a random player, and a game that they have."""
        folder.mkdir(parents=True, exist_ok=True)
        drawn = f"\\set player random(0, {players - 1})\n\\set slot random(0, 44)\n"
        texts = self._texts | {
            # A player's only session is that of the game in the first slot.
            "heartbeat": self._texts["heartbeat"].replace("session_id = :session_id", "game_id = :game_id"),
            "start": f"BEGIN;\n{self._texts['start'].strip()};\n{self._texts['started'].strip()};\nCOMMIT",
        }
        for name, text in texts.items():
            slots = drawn.replace("44", "0") if name == "heartbeat" else drawn
            chosen = text.replace(":user_id", _PLAYER).replace(":game_id", _GAME).replace(":limit", "20")
            chosen = chosen.replace(":session_id", "gen_random_uuid()")
            (folder / f"{name}.sql").write_text(f"{slots}{chosen.strip()};\n", "utf-8")
        return folder


def peers(
    state: State, *, workspace: Path, dsn: str, issuer: Issuer, statements: Statements
) -> dict[str, Peer]:
    """Return those that are installed, by name. Raises StackError when even Python's are not."""
    installed, sources = workspace / "build" / "bench", workspace / "tools" / "devstack" / "peers"
    python = installed / "python" / "bin"
    if not (python / "python").exists():
        raise StackError("the peers are not installed: `make bench` does that; --no-peers goes without them")
    env = {
        "DATABASE_URL": dsn,
        "PEER_SQL": str(statements.write_for_drivers(state.path("peers", "sql"))),
        "PEER_KEY": json.dumps(issuer.jwks()["keys"][0]),
        "PEER_ISSUER": issuer.url,
        "PEER_AUDIENCE": issuer.audience,
        "PEER_PROTOS": str(workspace / "services/grpc/src/library_grpc/_generated/descriptors.binpb"),
        "PYTHONPATH": str(sources / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    quiet = ("--host", LOOPBACK, "--port", "{port}")
    commands = {
        FASTAPI: (
            str(python / "uvicorn"),
            "fastapi_peer:app",
            *quiet,
            "--no-access-log",
            "--log-level=warning",
        ),
        GRPCLIB: (str(python / "python"), "-m", "grpclib_peer", "{port}"),
        HELLO: (
            str(python / "granian"),
            "hello:app",
            *quiet,
            "--interface=asgi",
            "--loop=uvloop",
            "--no-log",
        ),
    }
    node, server = shutil.which("node"), installed / "fastify" / "server.js"
    if node and (server.parent / "node_modules").exists():
        commands[FASTIFY] = (node, str(server), "{port}")
    return {
        contestant.name: Peer(contestant, state, command, env) for contestant, command in commands.items()
    }
