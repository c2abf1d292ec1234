"""The topic `account-events` (details 3.1)."""

from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from library_adapters.kafka import Outcome
from library_consumers.application import Application
from library_consumers.events.decoding import Envelope
from library_consumers.events.effect import once
from library_consumers.events.members import MAX_PROSE, Prose, normal, plausible_time, user
from library_domain.accounts.use_cases.record_erasure import RecordErasure


class UserDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """An account ended; unknown members are allowed."""

    user_id: UUID
    reason: Prose | None = None


async def user_deleted(
    application: Application, envelope: Envelope, data: UserDeleted, now: datetime
) -> Outcome:
    """Write down that the user's data is to be erased."""
    command = RecordErasure(
        user_id=user(data.user_id),
        event_id=envelope.event_id,
        event_time=plausible_time(envelope.timestamp, member="timestamp", now=now),
        reason=None if data.reason is None else normal(data.reason, member="data.reason", longest=MAX_PROSE),
    )
    return await once(application, envelope, command.user_id, partial(application.record_erasure, command))
