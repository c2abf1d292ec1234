"""The processes of this image, each a command. Exit codes: 0 after a clean end, 2 for refused settings, else 1."""

import asyncio
import sys
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Any

import cyclopts

from library_adapters.process import run
from library_adapters.telemetry import Management
from library_consumers import dead_letters, parked, topics
from library_consumers.bootstrap import open_consumers, open_relay, open_worker
from library_consumers.groups import GroupName
from library_consumers.settings import ConsumeSettings, RelaySettings, TopicsSettings, WorkSettings

cli = cyclopts.App(
    name="library-consumers",
    help="Handle events, publish events.",
    version_flags=[],
    result_action="return_value",
)
topics_cli = cyclopts.App(name="topics", help="The topics of this service.")
cli.command(topics_cli)
cli.command(parked.cli)
cli.command(dead_letters.cli)


@cli.command
def consume(*names: GroupName) -> int:
    """Handle the events of other services until SIGTERM.

    Args:
        names: The groups to be a member of; all of them if none is named.

    """
    return run(ConsumeSettings, partial(_consume, names), component="consumers")


@cli.command
def relay() -> int:
    """Publish what the outbox holds until SIGTERM. Several share the work; one without any is a hot standby."""
    return run(RelaySettings, _relay, component="relay")


@cli.command
def work() -> int:
    """Do what was left for later until SIGTERM. Several share the jobs; each job is worked by one."""
    return run(WorkSettings, _work, component="work")


@topics_cli.command
def ensure() -> int:
    """Make the topics that are missing, dead-letter topics too; those that exist stay as they are."""
    return run(TopicsSettings, _ensure, component="consumers", answers=True)


async def _consume(names: Collection[GroupName], settings: ConsumeSettings, stop: asyncio.Event) -> None:
    async with open_consumers(settings, names=names) as (consumers, management):
        await _serve(consumers.run, management, stop)


async def _relay(settings: RelaySettings, stop: asyncio.Event) -> None:
    async with open_relay(settings) as (outbox_relay, management):
        await _serve(outbox_relay.run, management, stop)


async def _work(settings: WorkSettings, stop: asyncio.Event) -> None:
    async with open_worker(settings) as (worker, management):
        await _serve(worker.run, management, stop)


async def _ensure(settings: TopicsSettings, _: asyncio.Event) -> None:
    for line in await topics.ensure(settings.kafka):
        sys.stdout.write(f"{line}\n")


async def _serve(
    work: Callable[[asyncio.Event], Coroutine[Any, Any, None]], management: Management, stop: asyncio.Event
) -> None:
    """Do the work until told to stop; until it has finished what it has, the process says that it is draining."""
    async with asyncio.TaskGroup() as group:
        group.create_task(work(stop))
        management.ready()
        await stop.wait()
        management.draining()


def main() -> int:
    """Run the command that was asked for; return the exit code."""
    result = cli()
    return result if isinstance(result, int) else 0  # help returns nothing


if __name__ == "__main__":
    sys.exit(main())
