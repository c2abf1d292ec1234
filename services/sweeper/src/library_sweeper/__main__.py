"""Clean up: one pass, and the process ends; with --loop a pass each `sweeper.interval_seconds`.

Exit codes: 0 when every task went well, 1 when one failed, 2 for settings that are refused.
"""

import asyncio
import sys
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

import cyclopts
from cyclopts import Parameter

from library_adapters.process import CLEAN, FAILED, run
from library_adapters.telemetry import Management
from library_domain.shared.ids import UserId
from library_sweeper.bootstrap import SHARES, TASKS, open_application
from library_sweeper.settings import Settings
from library_sweeper.sweep import Deadline, sweep
from library_sweeper.verify import verify_all

Task = Literal[
    "partitions",
    "sessions",
    "expiry",
    "stubs",
    "inbox",
    "idempotency",
    "outbox",
    "refunds",
    "jobs",
    "retention",
]

cli = cyclopts.App(name="library-sweeper", help=__doc__, version_flags=[])


@cli.default
def command(
    *,
    task: Annotated[tuple[Task, ...], Parameter(negative=())] = (),
    loop: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Sweep; exit with 0 when every task went well, 1 when one failed, 2 for settings that are refused.

    Parameters
    ----------
    task
        Only these tasks, in this order; may be repeated. All by default.
    loop
        For machines without cron: a pass each `sweeper.interval_seconds`, until SIGTERM.

    """
    body = partial(_loop if loop else _once, task or TASKS)
    return run(Settings, body, component="sweeper")


@cli.command
def verify(*, user: Annotated[tuple[UUID, ...], Parameter(negative=())] = ()) -> int:
    """Compare what users are shown with what it is made of; write nothing. Exit with 1 when anything differs.

    Parameters
    ----------
    user
        Only these users; may be repeated. All by default, which takes a few milliseconds each.

    """
    return run(Settings, partial(_verify, tuple(map(UserId, user))), component="sweeper", answers=True)


async def _verify(users: tuple[UserId, ...], settings: Settings, stop: asyncio.Event) -> int:
    async with open_application(settings) as application:
        return await verify_all(
            application.verify, users=users, batch=settings.sweeper.verify_batch, stop=stop
        )


async def _once(tasks: tuple[str, ...], settings: Settings, stop: asyncio.Event) -> int:
    async with open_application(settings) as application:
        report = await sweep(
            application.tasks,
            chosen=tasks,
            shares=SHARES,
            deadline=Deadline(settings.sweeper.deadline_seconds),
            stopped=stop.is_set,
        )
        application.metrics.observe(report)
        if settings.sweeper.push_url is not None:
            await application.metrics.push(settings.sweeper.push_url)
    return FAILED if report.failed else CLEAN


async def _loop(tasks: tuple[str, ...], settings: Settings, stop: asyncio.Event) -> int:
    async with (
        open_application(settings) as application,
        Management(settings.management, application.registry) as management,
    ):
        management.watch("postgres", application.ping)
        management.ready()
        while not stop.is_set():
            next_pass = asyncio.create_task(asyncio.sleep(settings.sweeper.interval_seconds))
            report = await sweep(
                application.tasks,
                chosen=tasks,
                shares=SHARES,
                deadline=Deadline(settings.sweeper.deadline_seconds),
                stopped=stop.is_set,
            )
            application.metrics.observe(report)
            told = asyncio.create_task(stop.wait())
            await asyncio.wait({next_pass, told}, return_when=asyncio.FIRST_COMPLETED)
            next_pass.cancel()
            told.cancel()
        management.draining()
    return CLEAN


def main() -> None:
    """Run the command line and exit."""
    sys.exit(cli())


if __name__ == "__main__":
    main()
