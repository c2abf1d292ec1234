"""Entries and rights as the tests of the model need them."""

from datetime import datetime, timedelta
from typing import Any

from builders import NOON, a_grant, game_id, user_id
from hypothesis import strategies as st

from library_domain.catalog.model import ProductType
from library_domain.library.model import AcquisitionType, Grant, LibraryEntry

ALICE = user_id("alice")
BOB = user_id("bob")
PORTAL = game_id("Portal 2")
HOUR = timedelta(hours=1)
PURCHASE, GIFT, SUBSCRIPTION, FREE, FAMILY = AcquisitionType
moments = st.sampled_from([NOON - HOUR, NOON, NOON + HOUR])


def revoked(kind: AcquisitionType = PURCHASE, **overrides: Any) -> Grant:
    return a_grant(kind, revoked_at=NOON - HOUR, revoke_reason="refunded", **overrides)


def an_entry(*grants: Grant, product_type: ProductType = ProductType.GAME) -> LibraryEntry:
    """Make Alice's entry with these rights, as it comes back from the store."""
    first = grants[0] if grants else a_grant()
    entry = LibraryEntry.open(
        entry_id=game_id("entry"),
        user_id=ALICE,
        game_id=PORTAL,
        product_type=product_type,
        grant=first,
        now=NOON,
    )
    for grant in grants:
        entry.add(grant, now=NOON, game_name="Portal 2")
    if grants:
        entry.is_new = entry.is_changed = False
    entry.new_grants.clear()
    entry.redated_grants.clear()
    entry.events.clear()
    return entry


def add(entry: LibraryEntry, grant: Grant, *, now: datetime = NOON, **arguments: Any) -> bool:
    return entry.add(grant, now=now, game_name="Portal 2", **arguments)
