"""The command `library-dev`."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.markup import escape
from rich.table import Table

from library_devstack import access, demo, events
from library_devstack.bench.command import bench, numbers, words
from library_devstack.bench.plan import FULL_ROWS, Plan
from library_devstack.console import PROGRAM, console, notes
from library_devstack.demo.playtime import FAST_FORWARD
from library_devstack.event_contract import EventContract
from library_devstack.lifecycle import bring_up, end_run, set_clock, take_down
from library_devstack.sample import SampleMissing
from library_devstack.sample.assemble import assemble, choose
from library_devstack.sample.dataset import OWN_SAMPLE
from library_devstack.services import addresses, services
from library_devstack.stack import Kafka, NotHealthy, Stack, StackError
from library_devstack.stack.kafka import check_topic
from library_devstack.stack.state import State
from library_devstack.standins.issuer import DEFAULT_TTL_SECONDS, Issuer, issuer_of
from library_devstack.workspace import workspace

STATE_VARIABLE = "DEVSTACK_STATE"
"""Not LIBRARY_…: the deployables refuse variables of that prefix which are none of their settings."""
_LOG_LINES = 200
_FASTEST_CLOCK_RATE = 3_600
"""A heartbeat a minute is one each 17 ms then, and a session that is silent for 50 ms is over."""
_LONGEST_TTL_SECONDS = 365 * 24 * 3600

_Role = Literal["user", "developer", "publisher", "moderator", "support", "admin", "system"]
_ClockRate = Annotated[
    float, Parameter(env_var="CLOCK_RATE", validator=Number(gte=1, lte=_FASTEST_CLOCK_RATE))
]
_PurchaseType = Literal["direct", "gift", "subscription", "free"]

app = App(name="library-dev", help="The embedded stack, the platform's stand-ins, and the demo.")
publish = App(
    name="publish",
    help="Publish events as the platform would: those of a file, or one that a command makes.\n\n"
    "A file is one JSON object, a list, or one object per line. All fit their schemas, or none is published.",
)
sample = App(name="sample", help="The project's own sample of real players and games.")
app.command(publish)
app.command(sample)


def _stack(*, ports: dict[str, int] | None = None, data: Path | None = None) -> Stack:
    return Stack(_state_directory(), ports=ports, data=data)


def _known_stack() -> Stack:
    """Return the stack that was started once. Raises StackError: to tell of another would be to invent it."""
    directory = _state_directory()
    if not State.exists(directory):
        raise StackError(
            f"nothing was ever started in {directory}; start with `make run` or `{PROGRAM} up --services`"
        )
    return Stack(directory)


def _state_directory() -> Path:
    chosen = os.environ.get(STATE_VARIABLE)
    return Path(chosen).resolve() if chosen else workspace() / ".devstack"


@app.command
def up(*, services: bool = False, port: dict[str, int] | None = None, clock_rate: _ClockRate = 1.0) -> None:
    """Start the stack and leave it running.

    Args:
        services: The deployables too, after the migrations.
        port: Ports by name, e.g. --port.postgres 5432; the others are free ones, remembered.
        clock_rate: Seconds that pass for the rules in one of the machine's, from now on; tokens keep to the machine's.

    """
    stack = _stack(ports=port)
    set_clock(stack, clock_rate)
    bring_up(stack, with_services=services)


@app.command(name=["down", "stop"])
def down() -> None:
    """Stop everything that runs, a `library-dev run` too; data stays."""
    if not State.exists(_state_directory()):
        notes.print("nothing was ever started")
        return
    stack = _stack()
    end_run(stack)
    take_down(stack)


@app.command
def status() -> int:
    """Show what runs and whether it answers; exit code 1 when something that was started ended or does not."""
    stack = _known_stack()
    table = Table("", "process", "address", "health at", "health", box=None)
    sick = 0
    for component in (*stack.components, *services(stack)):
        pid = component.process.pid
        name = component.name if pid is None else f"{component.name} ({pid})"
        address = component.address
        if pid is None and component.process.lost:
            sick += 1
            mark, health = "[red]✗[/]", f"[red]has ended[/]; see `{PROGRAM} logs {component.name}`"
        elif pid is None:
            mark, address, health = "[dim]○[/]", "", "[dim]not running[/]"
        else:
            try:
                component.health()
                mark, health = "[green]●[/]", "healthy"
            except NotHealthy as problem:
                sick += 1
                mark, health = "[red]●[/]", f"[red]{escape(str(problem))}[/]"
        table.add_row(mark, name, address, "" if pid is None else component.health_address, health)
    console.print(table, soft_wrap=True)
    return 1 if sick else 0


@app.command
def env() -> None:
    """Print every address and setting as shell exports: eval "$(library-dev env)"."""
    stack = _known_stack()
    for name, value in {**addresses(stack), **stack.env()}.items():
        print(f"export {name}={shlex.quote(value)}")


@app.command
def token(
    *,
    user: UUID,
    role: list[_Role] | None = None,
    ttl: Annotated[int, Parameter(validator=Number(gte=1, lte=_LONGEST_TTL_SECONDS))] = DEFAULT_TTL_SECONDS,
) -> None:
    """Print a signed token.

    Args:
        user: The `sub`.
        role: Of the platform's registry, user by default; repeatable.
        ttl: Seconds until it expires, at most a year.

    """
    roles: list[str] = [*(role or ["user"])]
    print(_issuer(_known_stack()).mint(user, roles[0] if len(roles) == 1 else roles, ttl_seconds=ttl))


@publish.default
def publish_events(
    *,
    topic: str = events.PAYMENT_EVENTS,
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    unchecked: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Publish events from a file.

    Args:
        topic: Where to.
        file: The file, - for standard input.
        unchecked: Publish also what fits no schema, as a service with a bug would.

    """
    check_topic(topic)
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        envelopes = events.parse(text)
    except OSError as problem:
        raise StackError(f"{file}: {problem.strerror}") from problem
    except ValueError as problem:
        raise StackError(f"{file}: {problem}") from problem
    if not unchecked:
        EventContract().check(topic, envelopes)
    asyncio.run(_publish(topic, envelopes))


@publish.command(name="example")
def publish_example(
    event_type: str,
    *,
    user: UUID | None = None,
    game: UUID | None = None,
    change: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
) -> None:
    """Publish the example of docs/events for a type of event, as of now, and print it.

    Args:
        event_type: For instance payment.purchase.refunded.
        user: Whose it is; else the example's.
        game: What it is about; else the example's.
        change: A member of its data, as name=value with the value in JSON, or else taken as text; repeatable.

    """
    contract = EventContract()
    changes = dict(map(_assignment, change or ()))
    envelope = contract.example(event_type, user=user, game=game, changes=changes)
    topic = contract.topic_of(event_type)
    contract.check(topic, [envelope])
    asyncio.run(_publish(topic, [envelope]))
    console.print_json(data=envelope)


def _assignment(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise StackError(f"{text!r} is not name=value")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


@publish.command(name="purchase")
def publish_purchase(
    *, user: UUID, game: UUID, purchase_type: _PurchaseType = "direct", dlc: list[UUID] | None = None
) -> None:
    """Publish a payment.purchase.completed and print it.

    Args:
        user: Who bought.
        game: What.
        purchase_type: How it was acquired.
        dlc: DLC that came with it; repeatable.

    """
    envelope = demo.probe_purchase(user_id=user, game_id=game, purchase_type=purchase_type, dlc=dlc or ())
    asyncio.run(_publish(events.PAYMENT_EVENTS, [envelope]))
    console.print_json(data=envelope)


@app.command
def tail(
    topic: str,
    *,
    from_start: bool = False,
    count: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
) -> None:
    """Print the events of a topic as they come, one JSON document per line, until Ctrl-C.

    Args:
        topic: For instance library-events.
        from_start: Begin with the oldest one that the broker keeps.
        count: End after so many.

    """
    check_topic(topic)
    asyncio.run(_tail(topic, from_start=from_start, count=count))


@app.command
def check_access(*, user: UUID, game: UUID) -> None:
    """Ask over gRPC, with a token of the role system, whether a player may play a game; print the answer.

    Args:
        user: The player.
        game: The game.

    """
    stack = _known_stack()
    answer = asyncio.run(access.ask(addresses(stack)["GRPC_ADDRESS"], _issuer(stack), user=user, game=game))
    console.print_json(
        data={"has_access": answer.has_access, "access_type": answer.access_type, "reason": answer.reason}
    )


@app.command
def logs(name: str, *, follow: Annotated[bool, Parameter(alias="-f")] = False) -> None:
    """Show the log of a process.

    Args:
        name: As `status` names it; also migrate.
        follow: Go on as it grows, until Ctrl-C.

    """
    path = _known_stack().state.path("logs", f"{name}.log")
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in path.parent.glob("*.log"))) or "none yet"
        raise StackError(f"no log of {name!r}; there are: {known}")
    program = shutil.which("tail") or "tail"
    subprocess.run([program, "-n", str(_LOG_LINES), *(["-F"] if follow else []), str(path)], check=False)


@app.command
def run(
    *,
    players: str = "300",
    data: Path | None = None,
    clock_rate: _ClockRate = FAST_FORWARD,
    exit: bool = False,  # noqa: A002 - the flag's name
) -> None:
    """Start everything, load real players through Kafka, show what the service does, stay until Ctrl-C.

    Args:
        players: How many of the sample's, or all for the whole public data.
        data: Directory of the public data (steam-plays.csv, steam-store.csv), for more than the sample's 300 players.
        clock_rate: Seconds of the players' evening that pass in one of ours.
        exit: Stop after the show.

    """
    dataset, whole = demo.choose_data(players, data)
    stack = _stack(data=data if whole else None)
    demo.run(stack, dataset, issuer=_issuer(stack), clock_rate=clock_rate, stay=not exit)


@app.command(name="bench")
def run_bench(
    *,
    rows: int = FULL_ROWS,
    seconds: float = 10.0,
    warmup: float = 2.0,
    rounds: int = 3,
    rates: str = "1000,5000",
    only: str = "",
    without: str = "",
    peers: bool = True,
    grow: int = 0,
) -> None:
    """Measure the service beside its peers; a whole run writes docs/performance.md.

    Args:
        rows: Library rows; the data of each size are kept for its next run.
        seconds: Of one measurement.
        warmup: Seconds of the same load before it.
        rounds: How often everybody is measured; the medians are shown.
        rates: Requests a second of the mixed load, divided by commas.
        only: Scenarios, divided by commas: list, by_name, item, unchanged, access, batch,
            hostile, heartbeat, start, end, mixed.
        without: Tricks to measure ours also without, divided by commas: hot_reads, batching, hot_writes,
            token_memory, whole_answers, thin_lane, log_shortcut, gc_freeze.
        peers: Measure the peers and limits too.
        grow: Tell instead what a request of ours costs with so many times the rows, compared with `rows`.

    """
    plan = Plan(
        rows=rows,
        seconds=seconds,
        warmup=warmup,
        rounds=rounds,
        rates=numbers(rates, option="rates"),
        only=words(only),
        without=words(without),
        peers=peers,
        grow=grow,
    )
    bench(plan, directory=_state_directory() / "bench", workspace=workspace())


@sample.command(name="build")
def build_sample(*, source: Path, target: Path = OWN_SAMPLE) -> None:
    """Make the project's own sample from the public data; the same data give the same bytes.

    Args:
        source: Directory of steam-plays.csv and steam-store.csv.
        target: Where to.

    """
    chosen = choose(assemble(source))
    chosen.write(target)
    console.print(
        f"{len(chosen.libraries)} players, {len(chosen.games)} games, {chosen.purchases} library rows → {target}"
    )


async def _publish(topic: str, envelopes: list[events.Envelope]) -> None:
    broker = _broker()
    began = datetime.now(UTC)
    async with events.open_producer(broker.bootstrap) as producer:
        await asyncio.gather(*[await producer.send(topic, **events.record(each)) for each in envelopes])
    took = (datetime.now(UTC) - began).total_seconds()
    notes.print(f"{len(envelopes)} published to {topic} [dim]{took:.1f} s[/]")


async def _tail(topic: str, *, from_start: bool, count: int | None) -> None:
    async with events.open_reader(_broker().bootstrap, topic, from_start=from_start) as messages:
        shown = 0
        async for message in messages:
            # Flushed, so that a pipe sees each as it comes.
            print(events.one_line(message.value), flush=True)
            shown += 1
            if shown == count:
                return


def _broker() -> Kafka:
    broker = _known_stack().find(Kafka)
    if not broker.process.running:
        raise StackError(f"the stack does not run; start it with `make run` or `{PROGRAM} up --services`")
    return broker


def _issuer(stack: Stack) -> Issuer:
    return issuer_of(stack.state)


def main() -> None:
    """Run the command; what we anticipate is one line, not a traceback."""
    # SIGTERM ends a command as Ctrl-C does, through every finally. SIGINT is set too, because a shell that is not
    # interactive has what it starts with & ignore it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        code = app()
        sys.stdout.flush()
    except (StackError, SampleMissing) as problem:
        notes.print(f"[red]✗[/] {escape(str(problem))}", highlight=False, soft_wrap=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # As `| head` leaves it. What is still in the buffer would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    sys.exit(code)


if __name__ == "__main__":
    main()
