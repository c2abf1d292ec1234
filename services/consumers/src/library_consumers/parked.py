"""The commands `outbox parked`: events that the broker refused for good, listed and put back (contract 6)."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import cyclopts
from cyclopts.validators import Number

from library_adapters.process import CLEAN, FAILED, run
from library_consumers.bootstrap import open_parked
from library_consumers.settings import OutboxSettings
from library_domain.outbox.model import ParkedMessage
from library_domain.outbox.use_cases.replay_parked import ReplayParked, ReplayParkedHandler
from library_domain.shared.errors import DependencyUnavailable

cli = cyclopts.App(name="outbox", help="Events on their way out.")
parked_cli = cyclopts.App(
    name="parked", help="Events that the broker refused for good; each is for a person."
)
cli.command(parked_cli)

_AsJSON = Annotated[bool, cyclopts.Parameter(name="--json", negative="")]
_AtLeastOne = Annotated[int, cyclopts.Parameter(validator=Number(gte=1, lte=10_000))]


@parked_cli.command(name="list")
def list_(*, limit: _AtLeastOne = 100, as_json: _AsJSON = False) -> int:
    """Print parked events, the first that was parked first.

    Parameters
    ----------
    limit
        How many at most.
    as_json
        One JSON document per line, with payload and headers.

    """
    return run(OutboxSettings, partial(_list, limit, as_json=as_json), component="outbox", answers=True)


@parked_cli.command
def replay(
    *event_ids: UUID, every: Annotated[bool, cyclopts.Parameter(name="--all", negative="")] = False
) -> int:
    """Let the relay try parked events again; they keep their ids. Exit with 1 when one that was named is not parked.

    Remove the reason first: what is refused again is parked again.

    Parameters
    ----------
    event_ids
        Those of `list`.
    every
        All of them instead.

    """
    if every == bool(event_ids):
        sys.stderr.write("name events, or say --all\n")
        return FAILED
    command = ReplayParked(event_ids=None if every else frozenset(event_ids))
    return run(OutboxSettings, partial(_replay, command), component="outbox", answers=True)


async def _list(limit: int, settings: OutboxSettings, _: asyncio.Event, *, as_json: bool) -> int:
    async with open_parked(settings) as parked:
        try:
            found = await parked.oldest(limit=limit)
        except DependencyUnavailable as error:
            return _unavailable(error)
    for each in found:
        sys.stdout.write(f"{_document(each) if as_json else _line(each)}\n")
    if not found and not as_json:
        sys.stdout.write("no parked events\n")
    return CLEAN


async def _replay(command: ReplayParked, settings: OutboxSettings, _: asyncio.Event) -> int:
    async with open_parked(settings) as parked:
        try:
            result = await ReplayParkedHandler(parked=parked)(command)
        except DependencyUnavailable as error:
            return _unavailable(error)
    for missing in sorted(result.missing):
        sys.stderr.write(f"not parked: {missing}\n")
    sys.stdout.write(f"{len(result.replayed)} put back\n")
    return FAILED if result.missing else CLEAN


def _unavailable(error: DependencyUnavailable) -> int:
    sys.stderr.write(f"{error.details['dependency']} does not answer\n")
    return FAILED


def _line(parked: ParkedMessage) -> str:
    message = parked.message
    return (
        f"{message.id}  {parked.parked_at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}  {message.topic}  {message.event_type}  "
        f"{len(message.payload)} bytes  {parked.reason}"
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _document(parked: ParkedMessage) -> str:
    message = parked.message
    return json.dumps(
        {
            "event_id": str(message.id),
            "topic": message.topic,
            "event_type": message.event_type,
            "user_id": str(message.user_id),
            "sequence": {"revision": message.revision, "n": message.n},
            "written_at": _rfc3339(message.written_at),
            "parked_at": _rfc3339(parked.parked_at),
            "reason": parked.reason,
            "headers": dict(message.headers),
            "value": json.loads(message.payload),
        },
        ensure_ascii=False,
    )
