"""What was promised to somebody, written down outside the service, and the comparison with what the service has.

The invariants are those of the reliability page (section 3).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from e2e.doors import Published, Tail, deduped, sequences
from e2e.house import House
from e2e.purchases import Purchase
from waiting import reached, until

_EVIDENCE = Path(__file__).with_name("evidence.sql").read_text(encoding="utf-8")


async def all_published(house: House, announced: Tail, *, within: float) -> None:
    """Wait until the outbox is empty and Kafka has what was in it."""

    async def empty() -> bool:
        return await house.count("outbox") == 0

    async def event_ids() -> float:
        return len({each.id for each in announced.records})

    await until(empty, within=within, every=0.1, what="an empty outbox")
    await reached(
        event_ids, await house.count("evidence.outbox"), within=within, what="committed events on Kafka"
    )


async def keep_evidence(house: House) -> None:
    """Let the database remember every outbox row that was ever committed."""
    await house.rows(_EVIDENCE)


@dataclass
class Ledger:
    """Purchases whose events the broker acknowledged: from then on each is owed its effect, once."""

    purchases: list[Purchase] = field(default_factory=list)

    def acknowledged(self, purchase: Purchase) -> None:
        """Write down that the broker has it."""
        self.purchases.append(purchase)

    @property
    def products(self) -> set[tuple[UUID, UUID]]:
        """Return who is owed what."""
        return {(purchase.user, product) for purchase in self.purchases for product in purchase.products}

    async def settled(self, house: House, announced: Tail, *, within: float) -> None:
        """Wait until every purchase had its effect and every event of ours is out."""

        async def consumed() -> bool:
            return await house.count("inbox") >= len(self.purchases)

        async def published() -> bool:
            committed = await house.count("evidence.outbox")
            return (
                await house.count("outbox") == 0 and len({each.id for each in announced.records}) >= committed
            )

        await until(
            consumed, within=within, every=0.1, what=f"the effects of {len(self.purchases)} purchases"
        )
        await until(published, within=within, every=0.1, what="an empty outbox and its events on Kafka")

    async def compare(self, house: House, announced: Tail) -> "Comparison":
        """Fail on the first difference between what was promised and what is there; return the counts."""
        granted = await house.rows("SELECT user_id, game_id FROM library_grants")
        shown = await house.rows("SELECT user_id, game_id FROM user_libraries WHERE revoked_at IS NULL")
        claimed = await house.rows("SELECT event_id FROM inbox")
        committed = await house.rows("SELECT id FROM evidence.outbox")
        audited = await house.rows("SELECT user_id, game_id FROM library_audit_log WHERE action = 'add_game'")
        unique = deduped(announced.records)

        # I1, I2, I6: nothing lost, nothing twice.
        assert Counter((row["user_id"], row["game_id"]) for row in granted) == Counter(self.products)
        assert Counter((row["user_id"], row["game_id"]) for row in shown) == Counter(self.products)
        assert Counter(row["event_id"] for row in claimed) == Counter(
            each.event_id for each in self.purchases
        )
        # I4: what was committed is on Kafka, and nothing else is.
        assert {each.id for each in unique} == {row["id"] for row in committed}
        assert Counter(_product(each) for each in unique) == Counter(
            (purchase.user, purchase.game) for purchase in self.purchases
        )
        # I5: each user's events in order.
        for user, numbers in sequences(announced.records).items():
            assert all(earlier < later for earlier, later in pairwise(numbers)), user
        # I11: every change has its audit row.
        assert Counter((row["user_id"], row["game_id"]) for row in audited) == Counter(map(_product, unique))
        assert await house.count("outbox_parked") == 0
        return Comparison(
            purchases=len(self.purchases),
            grants=len(granted),
            committed=len(committed),
            records=len(announced.records),
            repetitions=len(announced.records) - len(unique),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The counts of a ledger that balances."""

    purchases: int
    grants: int
    committed: int
    records: int
    repetitions: int

    def __str__(self) -> str:
        return (
            f"{self.purchases} acknowledged purchases = {self.grants} rights in the database, none lost, none twice; "
            f"{self.committed} committed events = {self.records - self.repetitions} event ids on Kafka "
            f"({self.repetitions} repetitions)"
        )


def _product(published: Published) -> tuple[UUID, UUID]:
    return published.user, UUID(published.data["game_id"])


def quantiles(seconds: Sequence[float]) -> str:
    """Say how long things took."""
    ordered = sorted(seconds)
    return f"median {ordered[len(ordered) // 2]:.1f} s, longest {ordered[-1]:.1f} s"
