"""One run from nothing to Ctrl-C."""

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import UUID

from library_devstack.console import PROGRAM, console, notes
from library_devstack.demo.doors import Doors
from library_devstack.demo.load import load
from library_devstack.demo.playtime import play
from library_devstack.demo.show import show
from library_devstack.lifecycle import RUN, bring_up, running, set_clock
from library_devstack.sample import Dataset
from library_devstack.services import addresses, services
from library_devstack.stack import Kafka, Postgres, Stack
from library_devstack.standins.issuer import Issuer

_LOOK_SECONDS = 1.0
# Tansu lets a member that comes back wait 11 s.
_JOIN_SECONDS = 60.0
_ADDRESSES = (
    "API_URL",
    "GRPC_ADDRESS",
    "METRICS_URL",
    "DATABASE_URL",
    "REDIS_URL",
    "KAFKA_BOOTSTRAP",
    "S3_ENDPOINT",
    "JWKS_URL",
)


def run(stack: Stack, dataset: Dataset, *, issuer: Issuer, clock_rate: float, stay: bool) -> None:
    """Start everything, load, show, and stay until Ctrl-C; whatever happens, nothing is left running.

    `clock_rate` is how many seconds of the players' evening pass in one of ours.

    Raises StackError when a part of it fails, and before anything is touched when the stack runs by a faster time;
    StateLocked when another run is on: its end would be ours.
    """
    began = time.monotonic()
    with stack.state.locked(RUN), ExitStack() as until_the_end:
        set_clock(stack, 1)
        # Only now: what runs by another time was not started for this run, and goes on.
        until_the_end.enter_context(running(stack))
        bring_up(stack, with_services=True)
        found = addresses(stack)
        # The first thing to be seen, and good to click on while the rest is loaded.
        _print_documentation(found["API_URL"])
        bootstrap = stack.find(Kafka).bootstrap
        loaded = asyncio.run(load(dataset, dsn=stack.find(Postgres).dsn(), bootstrap=bootstrap))
        if loaded.events:
            rate = loaded.rows / loaded.seconds
            notes.print(
                f"[green]✓[/] {loaded.events} purchases, {len(dataset.libraries)} players "
                f"[dim]{loaded.seconds:.1f} s, {rate:.0f} rows/s[/]"
            )
        else:
            notes.print(f"[green]✓[/] every library is there already: {len(dataset.libraries)} players")
        doors = Doors(api_url=found["API_URL"], grpc_address=found["GRPC_ADDRESS"], bootstrap=bootstrap)
        # Ready is before the group was joined, which takes the broker seconds: the times shown would be its.
        consume = next(each for each in services(stack) if each.name == "consume")
        consume.wait_for("kafka-group", timeout_seconds=_JOIN_SECONDS)
        shown = asyncio.run(show(doors, dataset, issuer))
        play(stack, doors, dataset, issuer, rate=clock_rate, began=datetime.now(UTC))
        _print_addresses(stack, issuer, shown)
        took = time.monotonic() - began
        notes.print(f"[dim]started, loaded and shown in {took:.1f} s, the installation not counted[/]")
        if stay:
            _stay(stack)


def _print_documentation(api_url: str) -> None:
    console.print(
        f"[bold]the API, to read and try: {api_url}/schema/docs[/]", highlight=False, soft_wrap=True
    )


def _print_addresses(stack: Stack, issuer: Issuer, user: UUID) -> None:
    everything = {**addresses(stack), **stack.env()}
    console.rule("it runs", align="left")
    _print_documentation(everything["API_URL"])
    for name in _ADDRESSES:
        console.print(f"{name:<16} {everything[name]}", highlight=False, soft_wrap=True)
    console.print(
        f'\nall of them as exports: eval "$({PROGRAM} env)"; as player {user}:\n',
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"TOKEN={issuer.mint(user)}", highlight=False, soft_wrap=True)
    console.print(
        f'curl -H "Authorization: Bearer $TOKEN" {everything["API_URL"]}/api/v1/library',
        highlight=False,
        soft_wrap=True,
    )


def _stay(stack: Stack) -> None:
    notes.print("\nCtrl-C stops everything; the data stay for the next run.")
    watched = {each.name: each for each in (*stack.components, *services(stack))}
    try:
        while watched:
            for name in [name for name, each in watched.items() if not each.process.running]:
                del watched[name]
                notes.print(f"[red]✗[/] {name} has ended; see `{PROGRAM} logs {name}`")
            time.sleep(_LOOK_SECONDS)
        notes.print("nothing is left of it")
    except KeyboardInterrupt:
        notes.print()
