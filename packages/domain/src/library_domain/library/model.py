"""Rights to a game, and the library entry that shows the best of them (data 1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from library_domain.catalog.model import ProductType
from library_domain.library.events import DLCAdded, GameAdded, GameUpdated, GrantRecorded
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, UserId
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
        """Return what two events about the same right say together, in whatever order; a revoked one stays revoked."""
        described = max(self, other, key=lambda grant: grant.authority)
        ends = [
            (grant.revoked_at, grant.revoke_reason or "")
            for grant in (self, other)
            if grant.revoked_at is not None
        ]
        revoked_at, reason = min(ends, default=(None, None))
        return replace(described, revoked_at=revoked_at, revoke_reason=reason)

    def says_the_same(self, other: "Grant") -> bool:
        """Tell whether the two differ in nothing but the event that said it."""
        return replace(self, event_time=other.event_time, event_id=other.event_id) == other

    def is_live(self, now: datetime) -> bool:
        """Tell whether the right holds at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def best(grants: Iterable[Grant], now: datetime) -> Grant | None:
    """Return the strongest live right; of equals the earliest, so that the order of events does not matter."""
    live = (grant for grant in grants if grant.is_live(now))
    return min(live, key=lambda g: (-_STRENGTH[g.acquisition_type], g.granted_at, g.source_id), default=None)


def access_ends(grants: Iterable[Grant], now: datetime) -> datetime | None:
    """Return when the last live right runs out; None if one of them never does, or none is live."""
    ends = [grant.expires_at for grant in grants if grant.is_live(now)]
    finite = [end for end in ends if end is not None]
    return max(finite) if finite and len(finite) == len(ends) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessVerdict:
    """May the game be played, by what right and until when; if not, why."""

    allowed: bool
    via: Via | None = None
    reason: Refusal | None = None
    expires_at: datetime | None = None
    owner_id: UserId | None = None


_VIA = {AcquisitionType.SUBSCRIPTION: Via.SUBSCRIPTION, AcquisitionType.FAMILY: Via.FAMILY}


def decide_access(
    grants: Sequence[Grant], *, now: datetime, parent_grants: Sequence[Grant] | None = None
) -> AccessVerdict:
    """Decide whether rights give access now (contract 4.1, details 3.2 and 3.5).

    `parent_grants` are the rights to the base game of a DLC, which needs access to it; None if it has no base game.
    """
    held = best(grants, now)
    if held is None:
        return AccessVerdict(allowed=False, reason=_refusal(grants, now))
    if parent_grants is not None and best(parent_grants, now) is None:
        return AccessVerdict(allowed=False, reason=Refusal.BASE_GAME_MISSING)
    ends = (access_ends(grants, now), access_ends(parent_grants or (), now))
    return AccessVerdict(
        allowed=True,
        via=_VIA.get(held.acquisition_type, Via.OWNED),
        expires_at=min((end for end in ends if end is not None), default=None),
        owner_id=UserId(UUID(held.source_id)) if held.acquisition_type is AcquisitionType.FAMILY else None,
    )


def _refusal(grants: Sequence[Grant], now: datetime) -> Refusal:
    if not grants:
        return Refusal.NOT_OWNED
    ran_out = any(g.revoked_at is None and g.expires_at is not None and g.expires_at <= now for g in grants)
    return Refusal.EXPIRED if ran_out else Refusal.REVOKED


@dataclass(slots=True, kw_only=True)
class LibraryEntry:
    """One product in one user's library: the row that is shown, and every right behind it.

    The row stays when the last right goes: playtime, saves and notes stay with it.
    """

    id: UUID
    user_id: UserId
    game_id: GameId
    product_type: ProductType
    acquisition_type: AcquisitionType
    acquisition_date: datetime
    created_at: datetime
    access_expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoke_reason: str | None = None
    grants: list[Grant] = field(default_factory=list)
    new_grants: list[Grant] = field(default_factory=list)
    """To be written: those that came, and those that an event described anew."""
    redated_grants: list[Grant] = field(default_factory=list)
    """A newer event said the same of them: only its time and id are to be written, which is no change (no revision)."""
    is_new: bool = False
    is_changed: bool = False
    events: list[DomainEvent] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        *,
        entry_id: UUID,
        user_id: UserId,
        game_id: GameId,
        product_type: ProductType,
        grant: Grant,
        now: datetime,
    ) -> "LibraryEntry":
        """Make the entry that this first right brings into the library; `grant` is still to be added to it."""
        return cls(
            id=entry_id,
            user_id=user_id,
            game_id=game_id,
            product_type=product_type,
            acquisition_type=grant.acquisition_type,
            acquisition_date=grant.granted_at,
            created_at=now,
            is_new=True,
        )

    def has_access(self, now: datetime) -> bool:
        """Tell whether one of the rights holds now; the base game of a DLC is not looked at."""
        return best(self.grants, now) is not None

    def is_brought_by(self, grant: Grant, now: datetime) -> bool:
        """Tell whether adding this right would bring the product into the library."""
        return not self._knows(grant) and not self.has_access(now) and grant.is_live(now)

    def add(
        self,
        grant: Grant,
        *,
        now: datetime,
        game_name: str | None,
        dlc: tuple[GameId, ...] = (),
        came_with: GameId | None = None,
    ) -> bool:
        """Add a right; return whether it brought the product into the library.

        A source that is already there is at most described anew, by a newer event: nothing revives a revoked right.
        A right that is stronger than the best one changes what the entry shows; a weaker one is only recorded.
        `dlc` came along in the same purchase and is named in the announcement; `came_with` is the base game whose
        announcement names this DLC.
        """
        if self._knows(grant):
            self._correct(grant, now=now, game_name=game_name)
            return False

        brought = self.is_brought_by(grant, now)
        self.grants.append(grant)
        self.new_grants.append(grant)
        changes = self._show_best(now)
        if brought and came_with is not None:
            self.events.append(
                DLCAdded(
                    user_id=self.user_id,
                    game_id=self.game_id,
                    occurred_at=now,
                    base_game_id=came_with,
                    acquisition_type=grant.acquisition_type,
                    source_id=grant.source_id,
                )
            )
        elif brought:
            self.events.append(self._added(grant, now=now, game_name=game_name, dlc=dlc))
        else:
            self.events.append(self._changed(grant, changes, now=now, game_name=game_name))
        return brought

    def _knows(self, grant: Grant) -> bool:
        return any(known.key == grant.key for known in self.grants)

    def _correct(self, grant: Grant, *, now: datetime, game_name: str | None) -> None:
        """Let a further event about a known right describe it anew, if it may."""
        number, known = next((n, known) for n, known in enumerate(self.grants) if known.key == grant.key)
        merged = known.merged(grant)
        if merged == known:
            return
        self.grants[number] = merged
        unwritten = any(each.key == grant.key for each in self.new_grants)
        for waiting in (self.new_grants, self.redated_grants):
            waiting[:] = [each for each in waiting if each.key != grant.key]
        same = merged.says_the_same(known)
        (self.redated_grants if same and not unwritten else self.new_grants).append(merged)
        if not same:
            self.events.append(self._changed(merged, self._show_best(now), now=now, game_name=game_name))

    def _show_best(self, now: datetime) -> tuple[str, ...]:
        """Make the entry show its best live right; return the names of the members that changed."""
        held = best(self.grants, now)
        if held is None:
            return ()
        shown: dict[str, object] = {
            "acquisition_type": held.acquisition_type,
            "acquisition_date": held.granted_at,
            "access_expires_at": access_ends(self.grants, now),
            "revoked_at": None,
            "revoke_reason": None,
        }
        changes = tuple(name for name, value in shown.items() if getattr(self, name) != value)
        for name in changes:
            setattr(self, name, shown[name])
        self.is_changed = self.is_changed or bool(changes)
        return changes

    def _changed(
        self, grant: Grant, changes: tuple[str, ...], *, now: datetime, game_name: str | None
    ) -> DomainEvent:
        if changes:
            return GameUpdated(
                user_id=self.user_id,
                game_id=self.game_id,
                occurred_at=now,
                game_name=game_name,
                changes=changes,
            )
        return GrantRecorded(
            user_id=self.user_id,
            game_id=self.game_id,
            occurred_at=now,
            acquisition_type=grant.acquisition_type,
            source_id=grant.source_id,
        )

    def _added(
        self, grant: Grant, *, now: datetime, game_name: str | None, dlc: tuple[GameId, ...]
    ) -> GameAdded:
        return GameAdded(
            user_id=self.user_id,
            game_id=self.game_id,
            occurred_at=now,
            game_name=game_name,
            product_type=self.product_type,
            acquisition_type=grant.acquisition_type,
            acquisition_date=grant.granted_at,
            transaction_id=grant.transaction_id,
            purchase_type=grant.purchase_type,
            price=grant.price,
            gifted_by=grant.gifted_by,
            dlc=dlc,
        )
