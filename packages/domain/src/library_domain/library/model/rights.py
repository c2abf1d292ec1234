"""Rights to a game, and the access that they give (data 1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from library_domain.shared.ids import UserId
from library_domain.shared.money import Money


class AcquisitionType(StrEnum):
    """How a right was acquired; `family` is stored but never shown (data 1)."""

    PURCHASE = "purchase"
    GIFT = "gift"
    SUBSCRIPTION = "subscription"
    FREE = "free"
    FAMILY = "family"


_STRENGTH = {kind: -rank for rank, kind in enumerate(AcquisitionType)}
"""Purchase beats gift beats subscription beats free beats family (data 1): the order of the enum."""


_NO_EVENT = UUID(int=0)


def source_of_transaction(kind: AcquisitionType, transaction_id: str) -> str:
    """Return the source of the rights that a transaction gives.

    Also a subscription gives rights of the kind `subscription`, and Payment may number the two alike.
    """
    return f"transaction:{transaction_id}" if kind is AcquisitionType.SUBSCRIPTION else transaction_id


def source_of_subscription(subscription_id: str) -> str:
    """Return the source of the rights that a subscription gives; never that of a transaction."""
    return f"subscription:{subscription_id}"


class Via(StrEnum):
    """By what right a game may be played (contract, GET /{game_id}/access)."""

    OWNED = "owned"
    SUBSCRIPTION = "subscription"
    FAMILY = "family"


class Refusal(StrEnum):
    """Why a game may not be played (details 3.5)."""

    NOT_OWNED = "not_owned"
    REVOKED = "revoked"
    EXPIRED = "expired"
    BASE_GAME_MISSING = "base_game_missing"
    COPY_IN_USE = "copy_in_use"
    """Somebody else plays the copy that is lent; whose it is may play it all the same (contract 4.1)."""


class Loss(StrEnum):
    """Why a right ended, in the words of rows and events."""

    REFUNDED = "refunded"
    EXPIRED = "expired"


class Right(Protocol):
    """As much of a right as decides about access: of a `Grant`, or of what a read has of it."""

    @property
    def acquisition_type(self) -> AcquisitionType:
        """How it was acquired."""
        ...

    @property
    def source_id(self) -> str:
        """The transaction, gift or subscription, or the lender's id."""
        ...

    @property
    def granted_at(self) -> datetime:
        """Since when it is held."""
        ...

    @property
    def expires_at(self) -> datetime | None:
        """When it runs out by itself; None: never."""
        ...

    @property
    def revoked_at(self) -> datetime | None:
        """When its source took it back; None: it did not."""
        ...


RightT = TypeVar("RightT", bound=Right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One right of one user to one game, from one source: a transaction, a gift, a subscription, a lender."""

    acquisition_type: AcquisitionType
    source_id: str
    granted_at: datetime
    event_time: datetime
    event_id: UUID | None = None
    transaction_id: str | None = None
    purchase_type: str | None = None
    price: Money | None = None
    gifted_by: UserId | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoke_reason: str | None = None

    @property
    def key(self) -> tuple[AcquisitionType, str]:
        """What makes it one right: the same source never grants twice (data 1)."""
        return self.acquisition_type, self.source_id

    @property
    def authority(self) -> tuple[bool, datetime, UUID]:
        """Which of several events about one right describes it: the greatest.

        One with a price sold the product, one without may only name it among the DLC of another; of a sort the newest.
        """
        return self.price is not None, self.event_time, self.event_id or _NO_EVENT

    def merged(self, other: "Grant") -> "Grant":
        """Return what two events about the same right say together, in whatever order.

        The right is held since the earliest time that either says: an event that is sent again may bear its own time.
        A revoked right stays revoked.
        """
        described = max(self, other, key=lambda grant: grant.authority)
        ends = [
            (grant.revoked_at, grant.revoke_reason or "")
            for grant in (self, other)
            if grant.revoked_at is not None
        ]
        revoked_at, reason = min(ends, default=(None, None))
        return replace(
            described,
            granted_at=min(self.granted_at, other.granted_at),
            revoked_at=revoked_at,
            revoke_reason=reason,
        )

    def says_the_same(self, other: "Grant") -> bool:
        """Tell whether the two differ in nothing but the event that said it."""
        return replace(self, event_time=other.event_time, event_id=other.event_id) == other

    def revoked(self, at: datetime, reason: str) -> "Grant":
        """Return the right as it is once its source took it back; of two times the earlier counts."""
        return self.merged(replace(self, revoked_at=at, revoke_reason=reason))

    @property
    def end(self) -> tuple[datetime, str] | None:
        """When and why the right ends or ended, by whichever comes first; None: never."""
        ends = [(self.revoked_at, self.revoke_reason or ""), (self.expires_at, Loss.EXPIRED.value)]
        return min(((at, reason) for at, reason in ends if at is not None), default=None)


def is_live(right: Right, now: datetime) -> bool:
    """Tell whether the right holds at this moment."""
    return right.revoked_at is None and (right.expires_at is None or now < right.expires_at)


def best(grants: Iterable[RightT], now: datetime) -> RightT | None:
    """Return the strongest live right; of equals the earliest, so that the order of events does not matter."""
    live = [grant for grant in grants if is_live(grant, now)]
    if len(live) < 2:  # noqa: PLR2004 - most games have one right or none, and nothing to compare it with
        return live[0] if live else None
    return min(live, key=lambda g: (-_STRENGTH[g.acquisition_type], g.granted_at, g.source_id))


def access_ends(grants: Iterable[Right], now: datetime) -> datetime | None:
    """Return when the last live right runs out; None if one of them never does, or none is live."""
    ends = [grant.expires_at for grant in grants if is_live(grant, now)]
    finite = [end for end in ends if end is not None]
    return max(finite) if finite and len(finite) == len(ends) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an entry shows of its rights; the same whatever the order in which they came and went (ADR 0002)."""

    acquisition_type: AcquisitionType
    acquisition_date: datetime
    access_expires_at: datetime | None
    """When the last right runs out; None: never, or the last one was taken back."""
    shown_until: datetime | None
    """When this is no longer what there is to show, if nothing else happens; None: it stays."""
    revoked_at: datetime | None
    """When the last right ended; None while there is access."""
    revoke_reason: str | None


def shown(grants: Sequence[Grant], now: datetime) -> Shown:
    """Return what the entry of these rights shows: the best live one, or else the one that ended last.

    Raises ValueError without any right.
    """
    held = best(grants, now)
    if held is not None:
        return Shown(
            acquisition_type=held.acquisition_type,
            acquisition_date=held.granted_at,
            access_expires_at=access_ends(grants, now),
            shown_until=held.expires_at,
            revoked_at=None,
            revoke_reason=None,
        )
    ended = [(grant.end, grant) for grant in grants]
    end, last = max(
        ((end, grant) for end, grant in ended if end is not None),
        key=lambda each: (
            each[0],
            _STRENGTH[each[1].acquisition_type],
            each[1].granted_at,
            each[1].source_id,
        ),
    )
    return Shown(
        acquisition_type=last.acquisition_type,
        acquisition_date=last.granted_at,
        access_expires_at=last.expires_at,
        shown_until=None,
        revoked_at=end[0],
        revoke_reason=end[1],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessVerdict:
    """May the game be played, by what right and until when; if not, why."""

    allowed: bool
    via: Via | None = None
    reason: Refusal | None = None
    expires_at: datetime | None = None
    owner_id: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyUse:
    """Who plays a copy, and since when (details 3.5)."""

    user_id: UserId
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Access(AccessVerdict):
    """May the game be played at this moment, and who plays this copy meanwhile, if it is somebody else."""

    in_use_by: CopyUse | None = None

    @classmethod
    def of(cls, verdict: AccessVerdict, *, user_id: UserId, use: CopyUse | None) -> "Access":
        """Return what rights and the use of the copy decide together; one's own session is in nobody's way."""
        if not verdict.allowed or use is None or use.user_id == user_id:
            use = None
        elif verdict.owner_id is not None:
            return cls(allowed=False, reason=Refusal.COPY_IN_USE, owner_id=verdict.owner_id, in_use_by=use)
        return cls(
            allowed=verdict.allowed,
            via=verdict.via,
            reason=verdict.reason,
            expires_at=verdict.expires_at,
            owner_id=verdict.owner_id,
            in_use_by=use,
        )


_VIA = {AcquisitionType.SUBSCRIPTION: Via.SUBSCRIPTION, AcquisitionType.FAMILY: Via.FAMILY}
# The verdicts that name no time and nobody are made once: a batch of checks has a hundred of them.
_REFUSED = {reason: AccessVerdict(allowed=False, reason=reason) for reason in Refusal}
_UNLIMITED = {via: AccessVerdict(allowed=True, via=via) for via in Via}


def decide_access(
    grants: Sequence[Right], *, now: datetime, parent_grants: Sequence[Right] | None = None
) -> AccessVerdict:
    """Decide whether rights give access now (contract 4.1, details 3.2 and 3.5).

    `parent_grants` are the rights to the base game of a DLC, which needs access to it; None if it has no base game.
    """
    held = best(grants, now)
    if held is None:
        return _REFUSED[_refusal(grants, now)]
    if parent_grants is not None and best(parent_grants, now) is None:
        return _REFUSED[Refusal.BASE_GAME_MISSING]
    via = _VIA.get(held.acquisition_type, Via.OWNED)
    ends = (access_ends(grants, now), access_ends(parent_grants or (), now))
    expires_at = min((end for end in ends if end is not None), default=None)
    if expires_at is None and via is not Via.FAMILY:
        return _UNLIMITED[via]
    return AccessVerdict(
        allowed=True,
        via=via,
        expires_at=expires_at,
        owner_id=UserId(UUID(held.source_id)) if via is Via.FAMILY else None,
    )


def _refusal(grants: Sequence[Right], now: datetime) -> Refusal:
    if not grants:
        return Refusal.NOT_OWNED
    ran_out = any(g.revoked_at is None and g.expires_at is not None and g.expires_at <= now for g in grants)
    return Refusal.EXPIRED if ran_out else Refusal.REVOKED
