"""The stand-in publisher and docs/events."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from library_devstack.demo.probes import probe_purchase
from library_devstack.event_contract import EventContract
from library_devstack.sample import Dataset
from library_devstack.sample.dataset import OWN_SAMPLE, player_id
from library_devstack.sample.purchases import purchases_of
from library_devstack.stack import StackError

USER = UUID("5b5a8fd9-1383-5b9e-b865-c982dd5aa464")
GAME = UUID("b51dfe41-2db1-5cb6-a3d0-2ab9e04f953d")
TYPES = sorted(
    path.name.removesuffix(".example.json")
    for path in (Path(__file__).parents[2] / "docs/events").glob("*.example.json")
)


@pytest.fixture(scope="module")
def contract() -> EventContract:
    return EventContract()


class TestCheck:
    def test_lets_through_what_the_demo_publishes(self, contract: EventContract) -> None:
        dataset = Dataset.read(OWN_SAMPLE)
        player = next(iter(dataset.libraries))
        purchases = [purchase.event for purchase in purchases_of(dataset, player)]

        contract.check(
            "payment-events", [*purchases, probe_purchase(user_id=player_id(player), game_id=GAME)]
        )

        assert purchases

    @pytest.mark.parametrize(
        ("changed", "complaint"),
        [
            (
                {"event_type": "payment.purchase.imagined"},
                "event 2, of type 'payment.purchase.imagined': there is no such type",
            ),
            (
                {"event_type": "account.user.deleted"},
                "event 2, account.user.deleted: belongs on account-events",
            ),
            ({"event_id": "1"}, "event 2, payment.purchase.completed: event_id: "),
            ({"version": "2.0"}, "event 2, payment.purchase.completed: version: "),
            ({"data": {}}, "event 2, payment.purchase.completed: data: "),
        ],
    )
    def test_names_the_event_and_the_member(
        self, contract: EventContract, changed: dict[str, object], complaint: str
    ) -> None:
        good = probe_purchase(user_id=USER, game_id=GAME)

        with pytest.raises(StackError, match=complaint):
            contract.check("payment-events", [good, {**good, **changed}])

    def test_says_where_it_found_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(StackError, match="no schemas of events in"):
            EventContract(tmp_path).check("payment-events", [{}])


class TestExample:
    @pytest.mark.parametrize("event_type", TYPES)
    def test_is_an_event_of_this_moment_that_fits(self, contract: EventContract, event_type: str) -> None:
        first, second = (contract.example(event_type, user=USER, game=GAME, changes={}) for _ in range(2))

        contract.check(contract.topic_of(event_type), [first, second])
        assert first["event_id"] != second["event_id"]
        assert first["subject"] == str(GAME if event_type.startswith("catalog.") else USER)
        age = datetime.now(UTC) - datetime.fromisoformat(first["timestamp"])
        assert timedelta(0) <= age < timedelta(minutes=1)

    def test_its_times_move_together(self, contract: EventContract) -> None:
        kept = json.loads(
            (Path(__file__).parents[2] / "docs/events/payment.subscription.changed.example.json").read_text()
        )
        event = contract.example("payment.subscription.changed", user=None, game=None, changes={})

        def lasts(document: dict[str, object]) -> timedelta:
            data = document["data"]
            assert isinstance(data, dict)
            return datetime.fromisoformat(data["expires_at"]) - datetime.fromisoformat(
                str(document["timestamp"])
            )

        assert lasts(dict(event)) == lasts(kept)
        assert event["data"]["user_id"] == kept["data"]["user_id"]

    def test_members_are_changed(self, contract: EventContract) -> None:
        changes = {"status": "expired", "games": [str(GAME)]}

        event = contract.example("payment.subscription.changed", user=USER, game=GAME, changes=changes)

        assert (event["data"]["status"], event["data"]["games"]) == ("expired", [str(GAME)])

    def test_of_an_unknown_type_there_is_none(self, contract: EventContract) -> None:
        with pytest.raises(StackError, match=r"there are: account\.user\.deleted"):
            contract.example("payment.purchase.imagined", user=None, game=None, changes={})
