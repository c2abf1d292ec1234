import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from library_devstack.events import parse, purchase_completed, record

USER = UUID("5b5a8fd9-1383-5b9e-b865-c982dd5aa464")
GAME = UUID("b51dfe41-2db1-5cb6-a3d0-2ab9e04f953d")
EVENT = UUID("01a2062b-af5d-77d6-a830-cd5f7c864144")


class TestPurchaseCompleted:
    def test_has_the_members_of_the_contract(self) -> None:
        event = purchase_completed(
            event_id=EVENT,
            user_id=USER,
            game_id=GAME,
            transaction_id="t-1",
            at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            price=Decimal("1999.90"),
            dlc=[EVENT],
        )

        assert event == {
            "event_id": str(EVENT),
            "event_type": "payment.purchase.completed",
            "source": "payment-service",
            "subject": str(USER),
            "timestamp": "2026-01-02T03:04:05Z",
            "version": "1.0",
            "data_content_type": "application/json",
            "data": {
                "user_id": str(USER),
                "game_id": str(GAME),
                "product_type": "game",
                "transaction_id": "t-1",
                "purchase_type": "direct",
                "purchased_at": "2026-01-02T03:04:05Z",
                "price": {"amount": 1999.9, "currency": "RUB"},
                "dlc": [str(EVENT)],
            },
        }


class TestRecord:
    def test_is_keyed_by_the_user_and_carries_cloudevents_headers(self) -> None:
        made = record({"event_id": str(EVENT), "event_type": "a.b", "subject": str(USER)})

        assert made["key"] == str(USER).encode()
        assert dict(made["headers"]) == {
            "ce_id": str(EVENT).encode(),
            "ce_type": b"a.b",
            "ce_specversion": b"1.0",
        }
        assert json.loads(made["value"])["event_type"] == "a.b"


class TestParse:
    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ('{"a": 1}', 1),
            ('[{"a": 1}, {"a": 2}]', 2),
            ('{"a": 1}\n\n{"a": 2}\n', 2),
            ('{\n  "a": 1\n}', 1),
            ("", 0),
        ],
    )
    def test_takes_one_a_list_or_lines(self, text: str, count: int) -> None:
        assert len(parse(text)) == count

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ('{"a": 1}\n{"a": \n', "line 2 is not JSON"),
            ("[1]", "event 1 is not an object"),
            ("3", "event 1 is not an object"),
        ],
    )
    def test_names_the_place_of_what_it_cannot_read(self, text: str, complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            parse(text)
