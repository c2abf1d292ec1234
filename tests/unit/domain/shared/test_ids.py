"""Where a user's events go."""

from collections import Counter
from uuid import UUID

from builders import user_id

from library_domain.shared.ids import OUTBOX_SHARDS, UserId, outbox_shard


def test_the_shard_of_a_user_never_changes() -> None:
    # Written down: another formula would send the same user's events through two relays at once.
    assert outbox_shard(UserId(UUID("00000000-0000-7000-8000-000000000011"))) == 1
    assert outbox_shard(UserId(UUID("018f0000-0000-7000-8000-0000000000ff"))) == 15


def test_shards_share_users_evenly() -> None:
    users = Counter(outbox_shard(user_id(str(number))) for number in range(1_600))

    assert set(users) == set(range(OUTBOX_SHARDS))
    assert min(users.values()) > 60
