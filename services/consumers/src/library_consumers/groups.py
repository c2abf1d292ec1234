"""Which topics are consumed together. What is told at another pace has a group of its own, and so its own scale and lag."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from library_adapters.kafka import Group


class GroupName(StrEnum):
    """What a group is called on the command line."""

    PAYMENTS = "payments"
    CATALOG = "catalog"
    DOWNLOADS = "downloads"


TOPICS: Mapping[GroupName, tuple[str, ...]] = {
    GroupName.PAYMENTS: ("payment-events", "account-events"),
    GroupName.CATALOG: ("catalog-events",),
    GroupName.DOWNLOADS: ("download-events",),
}


def groups_of(group_id: str, names: Collection[GroupName] = ()) -> list[Group]:
    """Return the groups of these names, all of them for none; `group_id` is what Kafka calls the one of payments."""
    return [
        Group(group_id=group_id if name is GroupName.PAYMENTS else f"{group_id}.{name}", topics=topics)
        for name, topics in TOPICS.items()
        if not names or name in names
    ]
