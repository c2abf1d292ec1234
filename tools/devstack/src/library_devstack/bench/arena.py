"""Everything that a run needs, up and filled, with all of it stopped in the end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from library_devstack.bench import parity
from library_devstack.bench.collector import collector
from library_devstack.bench.peers import Peer, Statements, peers
from library_devstack.bench.plan import FASTAPI, FASTIFY, GRPCLIB, OURS, Plan, without
from library_devstack.bench.population import GAMES, game_id
from library_devstack.bench.seed import players_of, seed
from library_devstack.bench.sessions import forget
from library_devstack.bench.tokens import read_tokens, system_token, write_tokens
from library_devstack.bench.wrk import Wrk
from library_devstack.console import step
from library_devstack.lifecycle import undisturbed
from library_devstack.services import Deployable, Service, migrate
from library_devstack.stack import Postgres, Redis, Stack
from library_devstack.stack.component import Component
from library_devstack.stack.postgres import DATABASE
from library_devstack.stack.stack import in_parallel
from library_devstack.standins.issuer import issuer_of

_SERVERS = ("postgres", "redis", "standins")
_AS_IN_PRODUCTION = {
    # Everybody is counted as always, and nobody is refused.
    "LIBRARY_RATE_LIMIT__BURST_LIMIT": "1000000",
    "LIBRARY_RATE_LIMIT__SUSTAINED_LIMIT": "1000000",
    "LIBRARY_TRACING__RATIO": "0.01",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """What runs, and what a load needs to know of it."""

    stack: Stack
    apis: Mapping[str, Service]
    """Our REST doors by contestant: with everything, and without what the plan turns off."""
    grpcs: Mapping[str, Service]
    peers: Mapping[str, Peer]
    """Peers and limits by name, those that are installed."""
    scripts: Path
    """Of pgbench, by scenario."""
    wrk: Wrk
    players: int
    system_token: str
    etag: str
    """Of everybody's list: all players have the same revision."""
    has_batches: bool
    """Whether ours answers BatchCheckGameAccess."""

    def stores(self) -> dict[str, tuple[int, ...]]:
        """Return the processes that everybody's requests cost, by name."""
        found = {"postgres": self.stack.find(Postgres), "redis": self.stack.find(Redis)}
        return {name: (each.process.pid,) for name, each in found.items() if each.process.pid is not None}


@contextmanager
def opened(plan: Plan, stack: Stack, *, workspace: Path) -> Iterator[Arena]:
    """Start and fill everything, and make sure that all contestants answer the same; stop it all in the end.

    Raises StackError.
    """
    started: list[Component] = []
    try:
        with collector() as endpoint:
            yield _open(plan, stack, workspace=workspace, endpoint=endpoint, started=started)
    finally:
        with undisturbed(), step("stopping"):
            in_parallel(lambda component: component.stop(), started)
            stack.stop()


def _open(plan: Plan, stack: Stack, *, workspace: Path, endpoint: str, started: list[Component]) -> Arena:
    players = players_of(plan.rows)
    with step("stack") as ready:
        stack.start(only=_SERVERS, on_ready=ready)
    with step("migrations"):
        migrate(stack)
    postgres, issuer = stack.find(Postgres), issuer_of(stack.state)
    with step(f"{plan.rows:,} rows of {players:,} players"):
        seed(postgres.superuser_dsn(DATABASE), rows=plan.rows, remembered=stack.state.path("bench", "seeded"))
        forget(postgres.superuser_dsn(DATABASE))
    with step("a token for each player"):
        tokens = write_tokens(stack.state.path("bench", "tokens"), issuer, players=players)
    statements = Statements(workspace / "tools" / "devstack" / "peers" / "sql")

    settings = {OURS.name: _AS_IN_PRODUCTION | {"LIBRARY_TRACING__ENDPOINT": endpoint}}
    if plan.without:
        settings[without(plan.without).name] = settings[OURS.name] | plan.switched_off
    apis = {name: _service("api", "LIBRARY_HTTP__PORT", name, stack, more) for name, more in settings.items()}
    grpcs = {
        name: _service("grpc", "LIBRARY_GRPC__PORT", name, stack, more) for name, more in settings.items()
    }
    others = (
        peers(stack.state, workspace=workspace, dsn=postgres.dsn(), issuer=issuer, statements=statements)
        if plan.peers
        else {}
    )
    started += [*apis.values(), *grpcs.values(), *others.values()]
    with step("contestants") as ready:

        def start(component: Component) -> None:
            component.start()
            ready(component)

        in_parallel(start, started)

    token = system_token(issuer)
    with step("do all answer the same?"):
        etag, has_batches = _compared(apis, grpcs, others, tokens, token)
    return Arena(
        stack=stack,
        apis=apis,
        grpcs=grpcs,
        peers=others,
        scripts=statements.write_for_pgbench(stack.state.path("peers", "pgbench"), players=players),
        wrk=Wrk(tokens=tokens, games=_write_games(stack.state.path("bench", "games"))),
        players=players,
        system_token=token,
        etag=etag,
        has_batches=has_batches,
    )


def _service(kind: str, port: str, contestant: str, stack: Stack, settings: Mapping[str, str]) -> Service:
    name = f"{kind}.{contestant}"
    return Service(
        Deployable(name=name, module=f"library_{kind}", ports={port: name}, settings=settings), stack
    )


def _compared(
    apis: Mapping[str, Service],
    grpcs: Mapping[str, Service],
    others: Mapping[str, Peer],
    tokens: Path,
    token: str,
) -> tuple[str, bool]:
    """Return the ETag of our pages, and whether we answer batches. Raises StackError when answers differ."""
    players = read_tokens(tokens)
    rest = {**apis, **{each.name: others[each.name] for each in (FASTAPI, FASTIFY) if each.name in others}}
    grpc = {**grpcs, **{each.name: others[each.name] for each in (GRPCLIB,) if each.name in others}}
    etag = parity.compare_rest({name: each.address for name, each in rest.items()}, players)
    for api in apis.values():
        parity.require_unchanged(api.address, players[-1], etag)
    addresses = {name: each.address for name, each in grpc.items()}
    return etag, parity.compare_access(addresses, players[0], token=token)


def _write_games(path: Path) -> Path:
    path.write_text("".join(f"{game_id(number)}\n" for number in range(GAMES)))
    return path
