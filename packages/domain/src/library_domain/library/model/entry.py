"""The library entry: what is shown of a product, and every right behind it (data 1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from library_domain.catalog.model import ProductType
from library_domain.library.errors import LimitReached
from library_domain.library.events import DLCAdded, GameAdded, GameHidden, GameUpdated, GrantRecorded
from library_domain.library.model.rights import AcquisitionType, Grant, access_ends, best
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
    revoked_at: datetime | None = None
    revoke_reason: str | None = None
    is_hidden: bool = False
    is_favorite: bool = False
    notes: str | None = None
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
        return self._take(shown)

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
