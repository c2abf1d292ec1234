"""The command `library-dev`."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from library_devstack import demo, events
from library_devstack.console import console, notes
from library_devstack.lifecycle import bring_up, end_run, take_down
from library_devstack.sample import SampleMissing
from library_devstack.sample.assemble import assemble, choose
from library_devstack.sample.dataset import OWN_SAMPLE
from library_devstack.services import addresses, services
from library_devstack.stack import Kafka, NotHealthy, Stack, StackError, Standins
from library_devstack.standins.issuer import DEFAULT_TTL_SECONDS, Issuer, load_or_make_key

STATE_VARIABLE = "DEVSTACK_STATE"
"""Not LIBRARY_…: the deployables refuse variables of that prefix which are none of their settings."""
_DEFAULT_STATE = ".devstack"
_DEFAULT_DATA = Path("../shared/data")
_LOG_LINES = 200

app = App(name="library-dev", help="The embedded stack, the platform's stand-ins, and the demo.")
publish = App(name="publish", help="Publish events as the platform would.")
sample = App(name="sample", help="The project's own sample of real players and games.")
app.command(publish)
app.command(sample)


def _stack(*, ports: dict[str, int] | None = None, data: Path | None = None) -> Stack:
    return Stack(Path(os.environ.get(STATE_VARIABLE, _DEFAULT_STATE)), ports=ports, data=data)


@app.command
def up(*, services: bool = False, port: dict[str, int] | None = None) -> None:
    """Start the stack and leave it running.

    Args:
        services: The deployables too, after the migrations.
        port: Ports by name, e.g. --port.postgres 5432; the others are free ones, remembered.

    """
    bring_up(_stack(ports=port), with_services=services)


@app.command(name=["down", "stop"])
def down() -> None:
    """Stop everything that runs, a `library-dev run` too; data stays."""
    stack = _stack()
    end_run(stack)
    take_down(stack)


@app.command
def status() -> int:
    """Show what runs and whether it answers; exit code 1 when something that runs does not."""
    stack = _stack()
    table = Table("", "process", "address", "health", box=None)
    sick = 0
    for component in (*stack.components, *services(stack)):
        pid = component.process.pid
        if pid is None:
            table.add_row("[dim]○[/]", component.name, "", "[dim]not running[/]")
            continue
        try:
            component.health()
        except NotHealthy as problem:
            sick += 1
            table.add_row(
                "[red]●[/]", f"{component.name} ({pid})", f"127.0.0.1:{component.port}", f"[red]{problem}[/]"
            )
        else:
            table.add_row(
                "[green]●[/]", f"{component.name} ({pid})", f"127.0.0.1:{component.port}", "healthy"
            )
    console.print(table)
    return 1 if sick else 0


@app.command
def env() -> None:
    """Print every address and setting as shell exports: eval "$(library-dev env)"."""
    stack = _stack()
    for name, value in {**addresses(stack), **stack.env()}.items():
        print(f"export {name}={shlex.quote(value)}")


@app.command
def token(*, user: UUID, role: list[str] | None = None, ttl: int = DEFAULT_TTL_SECONDS) -> None:
    """Print a signed token.

    Args:
        user: The `sub`.
        role: user (default), developer, publisher, moderator, support, admin, system; repeatable.
        ttl: Seconds until it expires.

    """
    roles = role or ["user"]
    print(_issuer(_stack()).mint(user, roles[0] if len(roles) == 1 else roles, ttl_seconds=ttl))


@publish.default
def publish_events(
    *, topic: str = events.PAYMENT_EVENTS, file: Annotated[Path, Parameter(allow_leading_hyphen=True)]
) -> None:
    """Publish events from a file: one JSON object, a list, or one per line.

    Args:
        topic: Where to.
        file: The file, - for standard input.

    """
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        envelopes = events.parse(text)
    except ValueError as problem:
        raise StackError(f"{file}: {problem}") from problem
    asyncio.run(_publish(topic, envelopes))


@publish.command(name="purchase")
def publish_purchase(
    *, user: UUID, game: UUID, purchase_type: str = "direct", dlc: list[UUID] | None = None
) -> None:
    """Publish a payment.purchase.completed and print it.

    Args:
        user: Who bought.
        game: What.
        purchase_type: direct, gift, subscription or free.
        dlc: DLC that came with it; repeatable.

    """
    envelope = demo.probe_purchase(user_id=user, game_id=game, purchase_type=purchase_type, dlc=dlc or ())
    asyncio.run(_publish(events.PAYMENT_EVENTS, [envelope]))
    console.print_json(data=envelope)


@app.command
def logs(name: str, *, follow: Annotated[bool, Parameter(alias="-f")] = False) -> None:
    """Show the log of a process.

    Args:
        name: As `status` names it; also migrate.
        follow: Go on as it grows, until Ctrl-C.

    """
    path = _stack().state.path("logs", f"{name}.log")
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in path.parent.glob("*.log"))) or "none yet"
        raise StackError(f"no log of {name!r}; there are: {known}")
    tail = shutil.which("tail") or "tail"
    subprocess.run([tail, "-n", str(_LOG_LINES), *(["-F"] if follow else []), str(path)], check=False)


@app.command
def run(*, players: str = "300", data: Path = _DEFAULT_DATA, exit: bool = False) -> None:  # noqa: A002 - the flag's name
    """Start everything, load real players through Kafka, show what the service does, stay until Ctrl-C.

    Args:
        players: How many of the sample's, or all for the whole public data.
        data: Directory of the public data, for more players than the sample has.
        exit: Stop after the show.

    """
    dataset, whole = demo.choose_data(players, data)
    stack = _stack(data=data if whole else None)
    demo.run(stack, dataset, issuer=_issuer(stack), stay=not exit)


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
    broker = _stack().find(Kafka)
    if not broker.process.running:
        raise StackError("the stack does not run; start it with `library-dev up` or `library-dev run`")
    began = datetime.now(UTC)
    async with events.open_producer(broker.bootstrap) as producer:
        await asyncio.gather(*[await producer.send(topic, **events.record(each)) for each in envelopes])
    took = (datetime.now(UTC) - began).total_seconds()
    notes.print(f"{len(envelopes)} published to {topic} [dim]{took:.1f} s[/]")


def _issuer(stack: Stack) -> Issuer:
    key = load_or_make_key(stack.state.path("issuer-key.json"))
    return Issuer(key, url=stack.find(Standins).addresses.issuer)


def main() -> None:
    """Run the command; what we anticipate is one line, not a traceback."""
    # SIGTERM ends a command as Ctrl-C does, through every finally. SIGINT is set too, because a shell that is not
    # interactive has what it starts with & ignore it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        code = app()
    except (StackError, SampleMissing) as problem:
        notes.print(f"[red]✗[/] {escape(str(problem))}", highlight=False, soft_wrap=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
