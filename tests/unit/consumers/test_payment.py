"""A purchase event from its bytes to the use cases."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from builders import game_id, user_id
from fakes.clock import START
from fakes.store import Store
from unit.consumers.house import ABSENT, EVENT_ID, House, purchase, record

from library_adapters.kafka import Outcome, Poison, Verdict
from library_consumers.door import judge
from library_domain.flows.add_to_library import AddToLibraryResult
from library_domain.library.model import AcquisitionType
from library_domain.shared.errors import (
    DependencyUnavailable,
    IdempotencyInProgress,
    UserErased,
    ValidationFailed,
)
from library_domain.shared.money import Money


async def test_a_purchase_is_in_the_library_and_announced(house: House) -> None:
    outcome = await house.take(purchase())

    assert outcome is Outcome.PROCESSED
    (grant,) = house.entry().grants
    assert grant.acquisition_type is AcquisitionType.PURCHASE
    assert grant.event_id == UUID(EVENT_ID)
    assert grant.price == Money(Decimal("1999.90"), "RUB")
    assert grant.granted_at == grant.event_time == datetime(2026, 11, 23, 11, 59, 58, 123456, tzinfo=UTC)
    (event,) = house.store.outbox
    assert json.loads(event.payload)["data"]["game_name"] == "Portal 2"


async def test_the_same_event_again_changes_nothing(house: House) -> None:
    await house.take(purchase())
    before = (len(house.store.outbox), len(house.store.audit))

    outcome = await house.take(purchase())

    assert outcome is Outcome.DUPLICATE
    assert (len(house.store.outbox), len(house.store.audit)) == before


async def test_the_audit_names_the_event(house: House) -> None:
    await house.take(purchase())

    assert {row["request_id"] for row in house.store.audit} == {EVENT_ID}
    assert {row["actor_id"] for row in house.store.audit} == {None}


async def test_a_purchase_does_not_wait_for_catalog(house: House) -> None:
    house.catalog.away = True

    assert await house.take(purchase()) is Outcome.PROCESSED
    assert house.store.games[game_id("Portal 2")].is_stub


async def test_known_games_are_not_asked_for(house: House) -> None:
    await house.take(purchase())
    await house.take(purchase({"transaction_id": "txn-2"}, event_id="0190c1a2-7b3c-7def-8123-000000000002"))

    assert len(house.catalog.questions) == 1


@pytest.mark.parametrize(
    ("purchase_type", "acquisition_type"),
    [
        ("direct", AcquisitionType.PURCHASE),
        ("gift", AcquisitionType.GIFT),
        ("subscription", AcquisitionType.SUBSCRIPTION),
        ("free", AcquisitionType.FREE),
    ],
)
async def test_payments_words_become_ours(
    house: House, purchase_type: str, acquisition_type: AcquisitionType
) -> None:
    await house.take(purchase({"purchase_type": purchase_type, "gifted_by": str(user_id("bob"))}))

    (grant,) = house.entry().grants
    assert (grant.acquisition_type, grant.purchase_type) == (acquisition_type, purchase_type)
    assert grant.gifted_by == user_id("bob")


@pytest.mark.parametrize(
    "value",
    [
        purchase({"price": ABSENT}),
        purchase({"price": None, "dlc": None, "gifted_by": None, "purchased_at": None, "product_type": None}),
        purchase({"price": {"amount": "0.50"}}),
        purchase({"loyalty_points": {"new": ["member"]}}, source=ABSENT, subject=ABSENT, extra=[1]),
        purchase(version="1.7"),
        purchase({"dlc": [str(UUID(int=number + 1)) for number in range(200)]}),
        purchase({"transaction_id": "т" * 100}),
        purchase({"purchased_at": "2026-11-23T14:00:00+03:00"}),
        purchase(timestamp=(START + timedelta(hours=23)).isoformat()),
    ],
)
async def test_what_the_contract_allows_is_taken(house: House, value: bytes) -> None:
    assert await house.take(value) is Outcome.PROCESSED


async def test_times_are_kept_in_utc_and_text_in_nfc(house: House) -> None:
    await house.take(purchase({"purchased_at": "2026-11-23T14:00:00+03:00", "transaction_id": "и\u0306"}))

    (grant,) = house.entry().grants
    assert grant.granted_at.isoformat() == "2026-11-23T11:00:00+00:00"
    assert grant.transaction_id == "й"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, "tombstone", id="no value"),
        pytest.param(b"", "tombstone", id="empty value"),
        pytest.param(b"\xff\xfe{}", "not_utf8", id="no UTF-8"),
        pytest.param(purchase()[:-2] + b',"x":"\xff"}}', "not_utf8", id="no UTF-8 in a member we ignore"),
        pytest.param(b"purchase", "not_json", id="no JSON"),
        pytest.param(purchase()[:-1], "not_json", id="cut off"),
        pytest.param(purchase() + b"{}", "not_json", id="two documents"),
        pytest.param(b"\xef\xbb\xbf" + purchase(), "not_json", id="byte order mark"),
        pytest.param(b'{"x":' + b"[" * 100_000, "not_json", id="nested without end"),
        pytest.param(b"[]", "invalid_envelope", id="a list"),
        pytest.param(purchase(event_id=ABSENT), "invalid_envelope", id="no event id"),
        pytest.param(purchase(event_id="no-uuid"), "invalid_envelope", id="bad event id"),
        pytest.param(purchase(timestamp="2026-11-23T12:00:00"), "invalid_envelope", id="naive time"),
        pytest.param(purchase(timestamp=1_700_000_000), "invalid_envelope", id="number for a time"),
        pytest.param(purchase(version="one"), "invalid_envelope", id="no version"),
        pytest.param(purchase(data=ABSENT), "invalid_envelope", id="no data"),
        pytest.param(purchase(version="2.0"), "unknown_version", id="next major version"),
        pytest.param(purchase(data="text"), "invalid_data", id="data that is no object"),
        pytest.param(purchase({"game_id": ABSENT}), "invalid_data", id="no game"),
        pytest.param(purchase({"user_id": str(UUID(int=0))}), "invalid_data", id="nobody"),
        pytest.param(purchase({"purchase_type": "stolen"}), "invalid_data", id="unknown purchase type"),
        pytest.param(purchase({"product_type": "toaster"}), "invalid_data", id="unknown product type"),
        pytest.param(purchase({"transaction_id": ""}), "invalid_data", id="empty transaction"),
        pytest.param(purchase({"transaction_id": "x" * 101}), "invalid_data", id="long transaction"),
        pytest.param(purchase({"transaction_id": "\ufb2c" * 100}), "invalid_data", id="long in NFC"),
        pytest.param(purchase({"transaction_id": "a\x00b"}), "invalid_data", id="NUL"),
        pytest.param(purchase({"transaction_id": "ab\n"}), "invalid_data", id="line end"),
        pytest.param(purchase({"dlc": [str(UUID(int=1))] * 201}), "invalid_data", id="201 DLC"),
        pytest.param(purchase({"price": {"amount": -1}}), "invalid_data", id="negative price"),
        pytest.param(purchase({"price": {"amount": 0.001}}), "invalid_data", id="three decimals"),
        pytest.param(purchase({"price": {"amount": 1e300}}), "invalid_data", id="astronomic price"),
        pytest.param(purchase({"price": {"amount": "NaN"}}), "invalid_data", id="price that is no number"),
        pytest.param(purchase({"price": {"amount": "1_0"}}), "invalid_data", id="price as Python writes it"),
        pytest.param(purchase({"price": {"amount": "10 "}}), "invalid_data", id="price with a space"),
        pytest.param(purchase({"price": {"amount": "10\n"}}), "invalid_data", id="price with a line end"),
        pytest.param(purchase({"price": {"amount": "1e2"}}), "invalid_data", id="price with an exponent"),
        pytest.param(purchase({"price": {"amount": "\u0661"}}), "invalid_data", id="price in Arabic digits"),
        pytest.param(purchase({"price": {"amount": "-1"}}), "invalid_data", id="negative price as text"),
        pytest.param(purchase({"price": {"amount": True}}), "invalid_data", id="true as a price"),
        pytest.param(
            purchase({"price": {"amount": 1, "currency": "rub"}}), "invalid_data", id="bad currency"
        ),
        pytest.param(purchase({"purchased_at": "2026-11-23"}), "invalid_data", id="day for a time"),
        pytest.param(purchase(timestamp="1999-12-31T23:59:59Z"), "invalid_data", id="before 2000"),
        pytest.param(purchase(timestamp="0001-01-01T00:00:00+14:00"), "invalid_data", id="no time in UTC"),
        pytest.param(purchase(timestamp="2026-11-24T12:00:01Z"), "invalid_data", id="far ahead"),
        pytest.param(
            purchase({"purchased_at": "2099-01-01T00:00:00Z"}), "invalid_data", id="bought far ahead"
        ),
    ],
)
async def test_what_can_never_work_is_poison(house: House, value: bytes | None, reason: str) -> None:
    with pytest.raises(Poison) as poison:
        await house.take(value)

    assert poison.value.reason == reason
    assert house.store == Store()


async def test_poison_names_the_member_and_not_its_value(house: House) -> None:
    with pytest.raises(Poison, match=r"data: .*\$\.price\.amount"):
        await house.take(purchase({"price": {"amount": []}}))
    with pytest.raises(Poison, match=r"data\.price\.amount: more_than_two_places") as poison:
        await house.take(purchase({"price": {"amount": 0.125}}))

    assert "0.125" not in str(poison.value)


async def test_an_unknown_type_is_skipped_whatever_its_version(house: House) -> None:
    assert (
        await house.take(purchase(event_type="payment.purchase.imagined", version="9.0")) is Outcome.SKIPPED
    )
    assert house.store == Store()


async def test_each_event_type_is_measured(house: House) -> None:
    await house.take(purchase())

    labels = {"door": "kafka", "operation": "payment.purchase.completed", "outcome": "ok"}
    assert house.registry.get_sample_value("library_requests_total", labels) == 1


async def test_two_processes_with_one_event_have_one_effect(house: House) -> None:
    outcomes = await asyncio.gather(*(house.take(purchase()) for _ in range(20)))

    assert sorted(outcomes) == [Outcome.DUPLICATE] * 19 + [Outcome.PROCESSED]
    assert len(house.store.outbox) == 1


async def test_a_failure_inside_leaves_no_claim(house: House) -> None:
    async def fail(_: object) -> AddToLibraryResult:
        raise DependencyUnavailable("postgres")

    with pytest.raises(DependencyUnavailable):
        await house.door_with(add_to_library=fail)(record(purchase()))
    assert house.store.inbox == set()

    assert await house.take(purchase()) is Outcome.PROCESSED


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (DependencyUnavailable("postgres"), Verdict.RETRY),
        (IdempotencyInProgress(), Verdict.RETRY),
        (ValidationFailed(field="x"), Verdict.DEAD_LETTER),
        (UserErased(), Verdict.SKIP),
        (ZeroDivisionError(), Verdict.RETRY_SOME),
    ],
)
def test_failures_are_judged_by_what_may_help(error: Exception, verdict: Verdict) -> None:
    assert judge(error) is verdict
