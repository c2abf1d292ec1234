"""The library entry: what is shown of a product, and every right behind it (data 1)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from uuid import UUID

from library_domain.catalog.model import ProductType
from library_domain.library.errors import LimitReached
from library_domain.library.events import (
    AccessRevoked,
    DLCAdded,
    GameAdded,
    GameHidden,
    GameUpdated,
    GrantRecorded,
    GrantRevoked,
    RightSucceeded,
)
from library_domain.library.model.rights import AcquisitionType, Grant, best, is_live, shown
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.unset import UNSET, Unset

MAX_NOTES = 4_000
MAX_CATEGORIES_PER_GAME = 20


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
    shown_until: datetime | None = None
    revoked_at: datetime | None = None
    revoke_reason: str | None = None
    is_hidden: bool = False
    is_favorite: bool = False
    notes: str | None = None
    last_played_at: datetime | None = None
    """When the last session ended; written by its end, not with the entry."""
    category_ids: frozenset[UUID] = frozenset()
    grants: list[Grant] = field(default_factory=list)
    new_grants: list[Grant] = field(default_factory=list)
    """To be written: those that came, and those that an event described anew."""
    redated_grants: list[Grant] = field(default_factory=list)
    """A newer event said the same of them: only its time and id are to be written, which is no change (no revision)."""
    is_new: bool = False
    is_changed: bool = False
    is_refiled: bool = False
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

    @property
    def shows_access(self) -> bool:
        """Whether the entry shows a right as a live one. That it ran out since, only `refresh` finds."""
        return bool(self.grants) and self.revoked_at is None

    @property
    def lost_access(self) -> bool:
        """Whether access ended since the entry was loaded: what is played of it must end (details 3.8)."""
        return any(isinstance(event, AccessRevoked) for event in self.events)

    def has_access(self, now: datetime) -> bool:
        """Tell whether one of the rights holds now; the base game of a DLC is not looked at."""
        return best(self.grants, now) is not None

    def is_brought_by(self, grant: Grant, now: datetime) -> bool:
        """Tell whether adding this right would bring the product into the library."""
        return not self._knows(grant) and not self.has_access(now) and is_live(grant, now)

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

        if not self.has_access(now):
            self.refresh(now=now, game_name=game_name)
        brought, had_access = self.is_brought_by(grant, now), self.shows_access
        self._put(grant)
        told = self._show(had_access=had_access, now=now, game_name=game_name, dlc=dlc)
        if brought and came_with is not None:
            told = DLCAdded(
                user_id=self.user_id,
                game_id=self.game_id,
                occurred_at=now,
                base_game_id=came_with,
                acquisition_type=grant.acquisition_type,
                source_id=grant.source_id,
            )
        self.events.append(told or self._recorded(grant, now=now))
        return brought

    def hold(self, grant: Grant, *, now: datetime, game_name: str | None) -> None:
        """Let a right be what its source says of it now: given, prolonged, ended or given again.

        Unlike a purchase, a subscription tells its state, and the newest one counts. What it does not decide is whether
        a right was refunded. A mere move of the end is not announced: each renewal would announce every game.
        """
        known = next((known for known in self.grants if known.key == grant.key), None)
        if known is not None and known.revoked_at is not None:
            grant = replace(grant, revoked_at=known.revoked_at, revoke_reason=known.revoke_reason)
        had_access = self.shows_access
        if known is None or not grant.says_the_same(known):
            self._put(grant)
        told = self._show(
            had_access=had_access, now=now, game_name=game_name, quietly=frozenset({"access_expires_at"})
        )
        if told is not None:
            self.events.append(told)

    def revoke(
        self, transaction_id: str, *, at: datetime, reason: str, now: datetime, game_name: str | None
    ) -> bool:
        """Take back what this transaction gave; return whether that ended the user's access."""
        had_access = self.shows_access
        taken = [grant for grant in self.grants if grant.transaction_id == transaction_id]
        changed = [new for old in taken if (new := old.revoked(at, reason)) != old]
        if not changed:
            return False
        for grant in changed:
            self._put(grant)
        told = self._show(had_access=had_access, now=now, game_name=game_name)
        self.events.append(
            told
            or GrantRevoked(
                user_id=self.user_id,
                game_id=self.game_id,
                occurred_at=now,
                acquisition_type=changed[0].acquisition_type,
                source_id=changed[0].source_id,
                reason=reason,
            )
        )
        return had_access and not self.shows_access

    def refresh(self, *, now: datetime, game_name: str | None) -> bool:
        """Show what the rights come to now that time has passed; return whether that ended the user's access."""
        had_access, shown_until = self.shows_access, self.shown_until
        if not self.grants:
            return False
        told: DomainEvent | None = self._show(had_access=had_access, now=now, game_name=game_name)
        if told is None and self.shown_until != shown_until:
            told = RightSucceeded(
                user_id=self.user_id,
                game_id=self.game_id,
                occurred_at=now,
                acquisition_type=self.acquisition_type,
            )
        if told is not None:
            self.events.append(told)
        return had_access and not self.shows_access

    def edit(
        self,
        *,
        now: datetime,
        game_name: str | None,
        is_hidden: bool | Unset = UNSET,
        is_favorite: bool | Unset = UNSET,
        notes: str | Unset | None = UNSET,
        category_ids: Iterable[UUID] | Unset = UNSET,
    ) -> None:
        """Change what the user makes of the game, accessible or not; what is UNSET or as it was stays as it is.

        Raises ValidationFailed for notes of more than 4,000 characters, LimitReached for more than 20 categories.
        """
        changes = self._take(
            {"is_favorite": is_favorite, "notes": notes if notes is UNSET else _notes(notes)}
        )
        if category_ids is not UNSET:
            refiled = self._take({"category_ids": _at_most_twenty(frozenset(category_ids))})
            self.is_refiled = self.is_refiled or bool(refiled)
            changes += refiled
        if changes:
            self.events.append(
                GameUpdated(
                    user_id=self.user_id,
                    game_id=self.game_id,
                    occurred_at=now,
                    game_name=game_name,
                    changes=tuple(_PUBLISHED.get(name, name) for name in changes),
                )
            )
        if self._take({"is_hidden": is_hidden}):
            self.events.append(
                GameHidden(
                    user_id=self.user_id, game_id=self.game_id, occurred_at=now, is_hidden=self.is_hidden
                )
            )

    def _take(self, members: Mapping[str, object]) -> tuple[str, ...]:
        """Set the members that differ and are not UNSET; return their names."""
        changes = tuple(
            name for name, value in members.items() if value is not UNSET and value != getattr(self, name)
        )
        for name in changes:
            setattr(self, name, members[name])
        self.is_changed = self.is_changed or bool(changes)
        return changes

    def _knows(self, grant: Grant) -> bool:
        return any(known.key == grant.key for known in self.grants)

    def _correct(self, grant: Grant, *, now: datetime, game_name: str | None) -> None:
        """Let a further event about a known right describe it anew, if it may."""
        number, known = next((n, known) for n, known in enumerate(self.grants) if known.key == grant.key)
        merged = known.merged(grant)
        if merged == known:
            return
        if merged.says_the_same(known) and not any(each.key == grant.key for each in self.new_grants):
            self.grants[number] = merged
            self.redated_grants[:] = [each for each in self.redated_grants if each.key != grant.key]
            self.redated_grants.append(merged)
            return
        had_access = self.shows_access
        self._put(merged)
        told = self._show(had_access=had_access, now=now, game_name=game_name)
        if told is not None or not merged.says_the_same(known):
            self.events.append(told or self._recorded(merged, now=now))

    def _put(self, grant: Grant) -> None:
        """Hold the right in the place of what was known of its source, to be written."""
        known = next((n for n, each in enumerate(self.grants) if each.key == grant.key), len(self.grants))
        self.grants[known : known + 1] = [grant]
        for waiting in (self.new_grants, self.redated_grants):
            waiting[:] = [each for each in waiting if each.key != grant.key]
        self.new_grants.append(grant)

    def _show(
        self,
        *,
        had_access: bool,
        now: datetime,
        game_name: str | None,
        dlc: tuple[GameId, ...] = (),
        quietly: frozenset[str] = frozenset(),
    ) -> DomainEvent | None:
        """Make the entry show what its rights come to; return what is to be announced of it, if anything is."""
        changes = self._take(asdict(shown(self.grants, now)))
        if had_access and not self.shows_access:
            return AccessRevoked(
                user_id=self.user_id,
                game_id=self.game_id,
                occurred_at=now,
                game_name=game_name,
                reason=str(self.revoke_reason),
                grant_kind=self.acquisition_type,
            )
        held = best(self.grants, now)
        if held is not None and not had_access:
            return self._added(held, now=now, game_name=game_name, dlc=dlc)
        seen = tuple(name for name in changes if name not in _UNSEEN | quietly)
        if not seen or (self.is_new and not had_access):
            return None
        return GameUpdated(
            user_id=self.user_id,
            game_id=self.game_id,
            occurred_at=now,
            game_name=game_name,
            changes=seen,
        )

    def _recorded(self, grant: Grant, *, now: datetime) -> GrantRecorded:
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


_UNSEEN = frozenset({"shown_until", "revoked_at", "revoke_reason"})
"""Members of the entry that no answer shows."""
_PUBLISHED = {"category_ids": "categories"}
"""Members of the entry that the item shows under another name."""


def _notes(notes: str | None) -> str | None:
    if notes is not None and len(notes) > MAX_NOTES:
        raise ValidationFailed(field="notes", reason="too_long", maximum=MAX_NOTES)
    return notes or None


def _at_most_twenty(category_ids: frozenset[UUID]) -> frozenset[UUID]:
    if len(category_ids) > MAX_CATEGORIES_PER_GAME:
        raise LimitReached(limit="categories_of_game", maximum=MAX_CATEGORIES_PER_GAME)
    return category_ids
