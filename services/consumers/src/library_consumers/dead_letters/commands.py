"""What a person may do with dead letters, from a terminal or a program."""

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import cyclopts
from cyclopts.validators import Number

from library_adapters.kafka import DeadLetter, DeadLetterBox, LetterRefused, Producer, PurgeRefused
from library_adapters.process import run
from library_adapters.system import SystemClock
from library_consumers.dead_letters.rendering import line, printable, row, whole
from library_consumers.dead_letters.selection import Listing, Place, Selection
from library_consumers.settings import TopicsSettings
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.topics import CONSUMED

FAILED = 1

cli = cyclopts.App(name="dlq", help="Dead letters: messages that could never work, and why.")


def _known_topic(_: object, topic: str) -> None:
    if topic not in CONSUMED:
        raise ValueError(f"no topic {topic!r} is consumed; there are: {', '.join(CONSUMED)}")


def _place(_: object, tokens: Iterable[Any]) -> Place:
    (token,) = tokens
    return Place.parse(token.value)


_Topic = Annotated[str, cyclopts.Parameter(validator=_known_topic)]
_Place = Annotated[Place, cyclopts.Parameter(converter=_place, n_tokens=1, accepts_keys=False)]
_Reasons = Annotated[list[str] | None, cyclopts.Parameter(negative="")]
_All = Annotated[bool, cyclopts.Parameter(name="--all", negative="")]
_Yes = Annotated[bool, cyclopts.Parameter(negative="")]
_AsJSON = Annotated[bool, cyclopts.Parameter(name="--json", negative="")]
_AtLeastOne = Annotated[int, cyclopts.Parameter(validator=Number(gte=1))]


@dataclass(slots=True)
class Office:
    """What a command works with."""

    box: DeadLetterBox
    clock: Clock

    @asynccontextmanager
    async def letters(self, topic: str, selection: Selection) -> AsyncIterator[AsyncGenerator[DeadLetter]]:
        """Give the chosen dead letters, each partition's in order; whoever has enough may leave."""
        since = None if selection.since is None else self.clock.now() - selection.since
        async with (
            aclosing(self.box.letters(topic, since=since)) as every,
            aclosing(letter async for letter in every if selection.has(letter)) as chosen,
        ):
            yield chosen


@asynccontextmanager
async def open_office(settings: TopicsSettings) -> AsyncIterator[Office]:
    """Open what a command works with; nothing is connected before it is needed."""
    clock = SystemClock()
    producer = Producer(settings.kafka)
    try:
        yield Office(box=DeadLetterBox(settings.kafka, producer, clock=clock), clock=clock)
    finally:
        await producer.close()


def _run(command: Callable[[Office], Coroutine[Any, Any, int]]) -> int:
    async def body(settings: TopicsSettings, _: object) -> int:
        try:
            async with open_office(settings) as office:
                return await command(office)
        except DependencyUnavailable as error:
            return _complain(f"{error.details['dependency']} does not answer")

    return run(TopicsSettings, body, component="consumers", answers=True)


@cli.command(name="list")
def list_letters(
    *topics: _Topic,
    reason: _Reasons = None,
    since: timedelta | None = None,
    limit: _AtLeastOne = 100,
    as_json: _AsJSON = False,
) -> int:
    """List dead letters, the oldest first, and count them by reason.

    Args:
        topics: Of these topics, such as payment-events; of all that are consumed if none is named.
        reason: Only those with this reason, such as invalid_data; repeatable.
        since: Only those buried within this time, such as 24h or 7d.
        limit: At most so many are listed; all are counted.
        as_json: One JSON document per line instead of a table.

    """
    selection = Selection(since=since, reasons=frozenset(reason or ()))
    return _run(partial(_list, topics=topics or CONSUMED, selection=selection, limit=limit, as_json=as_json))


async def _list(
    office: Office, *, topics: Iterable[str], selection: Selection, limit: int, as_json: bool
) -> int:
    listing = Listing(limit)
    for topic in topics:
        async with office.letters(topic, selection) as letters:
            async for letter in letters:
                listing.add(letter)
    if as_json:
        for letter in listing.oldest():
            _say(json.dumps(line(letter), ensure_ascii=False))
        return 0
    for letter in listing.oldest():
        _say(row(letter))
    _say(printable(listing.summary()))
    return 0


@cli.command
def show(
    topic: _Topic,
    place: _Place,
    *,
    as_json: _AsJSON = False,
) -> int:
    """Show a dead letter whole: its story, its headers, its value.

    Args:
        topic: Where the message came from.
        place: PARTITION/OFFSET, as `list` prints it.
        as_json: As one JSON document.

    """
    return _run(partial(_show, topic=topic, place=place, as_json=as_json))


async def _show(office: Office, *, topic: str, place: Place, as_json: bool) -> int:
    async with office.letters(topic, Selection(places=frozenset({place}))) as letters:
        async for letter in letters:
            _say(json.dumps(whole(letter), ensure_ascii=False, indent=None if as_json else 2))
            return 0
    return _complain(f"no dead letter at {topic} {place}")


@cli.command
def replay(
    topic: _Topic,
    *places: _Place,
    all_of_them: _All = False,
    reason: _Reasons = None,
    since: timedelta | None = None,
    as_json: _AsJSON = False,
) -> int:
    """Publish dead letters again, as the messages came; once or more often has the same effect.

    Exit code 1 when one of them could not be.

    Args:
        topic: Where the messages came from, and go to.
        places: PARTITION/OFFSET of each, as `list` prints it.
        all_of_them: All that are there now, as far as --reason and --since let them through.
        reason: Only those with this reason; repeatable.
        since: Only those buried within this time, such as 24h or 7d.
        as_json: Say what happened as one JSON document.

    """
    if bool(places) == all_of_them:
        return _complain("name dead letters as PARTITION/OFFSET, or say --all")
    selection = Selection(since=since, reasons=frozenset(reason or ()), places=frozenset(places))
    return _run(partial(_replay, topic=topic, selection=selection, as_json=as_json))


async def _replay(office: Office, *, topic: str, selection: Selection, as_json: bool) -> int:
    done: set[Place] = set()
    again: set[Place] = set()
    refused: dict[Place, str] = {}
    away = False
    try:
        async with office.letters(topic, selection) as letters:
            async for letter in _once(letters, again):
                try:
                    await office.box.replay(letter)
                except LetterRefused as refusal:
                    refused[Place.of(letter)] = str(refusal)
                else:
                    done.add(Place.of(letter))
    except DependencyUnavailable:
        away = True  # what was done is said all the same
    absent = sorted(map(str, selection.places - done - again - refused.keys()))
    if as_json:
        result = {
            "topic": topic,
            "replayed": len(done),
            "repeated": len(again),
            "refused": {str(place): why for place, why in refused.items()},
            "absent": absent,
            "interrupted": away,
        }
        _say(json.dumps(result, ensure_ascii=False))
    else:
        _say(f"{len(done)} replayed to {topic}")
        if again:
            _say(f"{len(again)} more were buried again after an earlier replay, and are not sent twice")
        for place, why in refused.items():
            _complain(f"{place} cannot be replayed: {why}")
        if away:
            _complain("kafka does not answer; the rest was not replayed")
        elif absent:
            _complain(f"no dead letter at {', '.join(absent)}")
    return FAILED if refused or absent or away else 0


async def _once(letters: AsyncIterator[DeadLetter], again: set[Place]) -> AsyncIterator[DeadLetter]:
    """Yield each message once, and note where it lies again.

    It came back and was buried anew: sent for each of its burials it would double with every replay.
    """
    seen: set[bytes] = set()
    async for letter in letters:
        if letter.digest in seen:
            again.add(Place.of(letter))
        else:
            seen.add(letter.digest)
            yield letter


@cli.command
def purge(
    topic: _Topic,
    *places: _Place,
    all_of_them: _All = False,
    yes: _Yes = False,
    as_json: _AsJSON = False,
) -> int:
    """Delete dead letters for good: of each partition all up to an offset, that included.

    Args:
        topic: Where the messages came from.
        places: PARTITION/OFFSET of the last to be deleted, one for each partition.
        all_of_them: Everything that is there now.
        yes: Delete. Without it, only tell what would be deleted.
        as_json: Say what happened as one JSON document.

    """
    if bool(places) == all_of_them:
        return _complain("name the last to be deleted as PARTITION/OFFSET, or say --all")
    up_to = {place.partition: place.offset for place in places}
    if len(up_to) < len(places):
        return _complain("name one offset for each partition")
    return _run(partial(_purge, topic=topic, up_to=up_to, yes=yes, as_json=as_json))


async def _purge(office: Office, *, topic: str, up_to: dict[int, int], yes: bool, as_json: bool) -> int:
    last: dict[int, int] = {}
    count = 0
    async with office.letters(topic, Selection()) as letters:
        async for letter in letters:
            if not up_to or letter.offset <= up_to.get(letter.partition, -1):
                last[letter.partition] = letter.offset
                count += 1
    if yes and last:
        try:
            await office.box.purge(topic, last)
        except PurgeRefused as refusal:
            return _complain(
                f"the broker does not delete records: {refusal}. They end with the retention of their topic."
            )
    if as_json:
        _say(json.dumps({"topic": topic, "letters": count, "purged": yes}))
    elif yes:
        _say(f"{count} dead letters of {topic} deleted")
    else:
        _say(f"{count} dead letters of {topic} would be deleted; say --yes to delete them")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return FAILED
