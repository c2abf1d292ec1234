"""Records that can never work, among good ones (details 2.16; reliability C3)."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from chaos.ledger import Ledger
from chaos.load import purchase
from e2e.house import House
from e2e.purchases import Purchase, derived, games
from figures import Report
from waiting import until

from library_devstack.events import LIBRARY_EVENTS, PAYMENT_EVENTS, Envelope

GOOD = 200
OF_EACH = 5
USERS = 20
DEAD_LETTERS = f"{PAYMENT_EVENTS}.library-service.dlq"
OVERSIZED_BYTES = 1024 * 1024 + 1
NOTES = (
    "reason",
    "error",
    "exception",
    "stack",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "attempts",
    "group",
    "failed_at",
)


def changed(event: Envelope, **members: Any) -> bytes:
    return json.dumps({**event, **members}).encode()


def with_data(event: Envelope, **members: Any) -> bytes:
    return changed(event, data={**event["data"], **members})


def without(event: Envelope, *names: str) -> bytes:
    return json.dumps({name: value for name, value in event.items() if name not in names}).encode()


POISON: dict[str, tuple[str, Callable[[Envelope], bytes | None]]] = {
    "no JSON": ("not_json", lambda event: json.dumps(event).encode()[:-20]),
    "JSON that is too deep": ("not_json", lambda event: b'{"data":' + b"[" * 5_000),
    "bad UTF-8": ("not_utf8", lambda event: json.dumps(event).encode().replace(b"txn", b"\xff\xfe")),
    "a tombstone": ("tombstone", lambda event: None),
    "an empty value": ("tombstone", lambda event: b""),
    "more than 1 MiB": ("oversized", lambda event: changed(event, padding="x" * OVERSIZED_BYTES)),
    "no envelope": ("invalid_envelope", lambda event: b'"a text"'),
    "no event id": ("invalid_envelope", lambda event: without(event, "event_id")),
    "a time without offset": (
        "invalid_envelope",
        lambda event: changed(event, timestamp="2026-01-01T00:00:00"),
    ),
    "a future version": ("unknown_version", lambda event: changed(event, version="2.0")),
    "no user": ("invalid_data", lambda event: changed(event, data={})),
    "an unknown enum": ("invalid_data", lambda event: with_data(event, purchase_type="barter")),
    "a number for a text": ("invalid_data", lambda event: with_data(event, transaction_id=7)),
    "NUL in a text": ("invalid_data", lambda event: with_data(event, transaction_id="txn\x00")),
    "a lone surrogate": ("not_json", lambda event: with_data(event, transaction_id="\ud800")),
    "a negative price": (
        "invalid_data",
        lambda event: with_data(event, price={"amount": -1, "currency": "RUB"}),
    ),
    "a day after tomorrow": ("invalid_data", lambda event: changed(event, timestamp="2999-01-01T00:00:00Z")),
}


@dataclass(frozen=True)
class Sent:
    """A record that is to be published, good or bad."""

    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    reason: str | None = None
    """Why it will be a dead letter; None: it will not."""
    about: str = ""
    good: Purchase | None = field(default=None, compare=False)


def poison() -> list[Sent]:
    sent = []
    for name, (reason, spoil) in POISON.items():
        for number in range(OF_EACH):
            # Of users who buy good things too, so that the bad stands between the good in one partition.
            spoiled = purchase(number, users=USERS, name="load")
            event = Purchase(about=f"{name} {number}", user=spoiled.user, game=games()[-1].game_id).event()
            sent.append(
                Sent(
                    value=spoil(event),
                    key=str(spoiled.user).encode(),
                    headers=(("traceparent", b"\xff"), ("ours", str(number).encode())),
                    reason=reason,
                    about=name,
                )
            )
    return sent


def unusual_but_good() -> list[Sent]:
    """Return what looks odd and is no poison: no headers, no key, members that nobody knows, a user never heard of."""
    sent = []
    for number in range(OF_EACH):
        bought = Purchase(
            about=f"unusual {number}",
            user=derived("user", f"never heard of {number}"),
            game=games()[0].game_id,
        )
        event = bought.event()
        value = changed(event, version="1.9", unheard_of=[1], data={**event["data"], "also_new": {"a": None}})
        sent.append(Sent(value=value, key=None, good=bought))
    return sent


def of_unknown_type() -> list[Sent]:
    event = purchase(0, users=USERS).event()
    return [
        Sent(value=changed(event, event_type="payment.purchase.imagined"), key=b"k", about="unknown type")
        for _ in range(OF_EACH)
    ]


@pytest.mark.slow
async def test_poison_is_buried_once_with_its_story_and_everything_else_goes_on(
    house: House, report: Report
) -> None:
    payments, ledger = await house.payments(), Ledger()
    buried, announced = await house.tail(DEAD_LETTERS), await house.tail(LIBRARY_EVENTS)
    good = [purchase(number, users=USERS) for number in range(GOOD)]
    usual = [
        Sent(value=json.dumps(each.event()).encode(), key=str(each.user).encode(), good=each) for each in good
    ]
    records = [*usual, *poison(), *unusual_but_good(), *of_unknown_type()]
    random.Random(16).shuffle(records)

    sent = {}
    async with payments.large() as publish:
        for record in records:
            place = await publish(record.value, key=record.key, headers=record.headers)
            sent[place.partition, place.offset] = record
            if record.good is not None:
                ledger.acknowledged(record.good)
    expected = {place: record for place, record in sent.items() if record.reason is not None}

    async def all_buried() -> bool:
        return len(buried.records) >= len(expected)

    async def idle() -> bool:
        return await house.metric("consume", "library_consumer_lag") == 0

    await ledger.settled(house, announced, within=60)
    await until(all_buried, within=30, what=f"{len(expected)} dead letters")
    await until(idle, within=30, what="no lag")

    found = {
        (int(each.headers["dlq_partition"]), int(each.headers["dlq_offset"])): each for each in buried.records
    }
    skipped = await house.metric("consume", "library_consumer_messages_total", outcome="skipped")
    report(
        f"{len(records)} records: {len(buried.records)} dead letters of {len(POISON)} kinds, each once; "
        f"{skipped:.0f} of an unknown type skipped; {await ledger.compare(house, announced)}"
    )
    assert len(buried.records) == len(expected)
    assert {place: each.headers["dlq_reason"] for place, each in found.items()} == {
        place: record.reason for place, record in expected.items()
    }
    for place, record in expected.items():
        letter = found[place]
        assert (letter.raw.value or b"", letter.raw.key) == (record.value or b"", record.key), record.about
        assert letter.headers["ours"] == dict(record.headers)["ours"].decode()
        assert all(letter.headers[f"dlq_{name}"] for name in NOTES), record.about
        assert letter.headers["dlq_topic"] == PAYMENT_EVENTS
        assert letter.headers["dlq_attempts"] == "1"
        assert letter.headers["dlq_stack"].startswith("Traceback") or "Poison" in letter.headers["dlq_stack"]
    assert skipped == OF_EACH
    assert await house.metric("consume", "library_consumer_messages_total", outcome="retried") == 0
    named = {
        found[place].headers["dlq_error"]
        for place, record in expected.items()
        if record.about == "an unknown enum"
    }
    assert all("purchase_type" in error for error in named)
