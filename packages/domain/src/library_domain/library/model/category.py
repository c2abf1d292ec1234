"""A user's categories: names for groups of games (details 3.11)."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from library_domain.library.errors import CategoryExists, CategoryNotFound, InvalidCategory, LimitReached
from library_domain.library.events import CategoryCreated, CategoryDeleted, CategoryEdited
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import UserId
from library_domain.shared.unset import UNSET, Unset

MAX_CATEGORIES = 200
MAX_NAME = 100
_PUNCTUATION = " -_.&'"
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


def category_name(text: str, *, field: str = "name") -> str:
    """Return the text as a name of a category: NFC, trimmed.

    Raises InvalidCategory naming `field` unless it has 1 to 100 characters, all of them letters of any script, digits,
    spaces or one of `-_.&'`, and a letter or digit among them, so that `.` and `..` cannot be.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidCategory(field=field, reason="empty")
    if len(name) > MAX_NAME:
        raise InvalidCategory(field=field, reason="too_long", maximum=MAX_NAME)
    kinds = [unicodedata.category(character) for character in name]
    for character, kind in zip(name, kinds, strict=True):
        # Scripts such as Devanagari write vowels as marks on their letters.
        if kind[0] not in "LM" and kind != "Nd" and character not in _PUNCTUATION:
            raise InvalidCategory(field=field, reason="characters", allowed=_PUNCTUATION)
    if not any(kind[0] == "L" or kind == "Nd" for kind in kinds):
        raise InvalidCategory(field=field, reason="no_letter")
    return name


def category_key(text: str) -> str:
    """Return what names are compared by: NFC, casefolded, trimmed. Any text has one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).strip()


@dataclass(slots=True, kw_only=True)
class Category:
    """One category. Renaming keeps the id, and with it the games."""

    id: UUID
    user_id: UserId
    name: str
    color: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> str:
        """What makes the name unique among the user's."""
        return category_key(self.name)


@dataclass(slots=True, kw_only=True)
class Categories:
    """All categories of one user: their names are unique among them, and there are at most 200."""

    user_id: UserId
    by_id: dict[UUID, Category]
    changed: set[UUID] = field(default_factory=set)
    deleted: set[UUID] = field(default_factory=set)
    events: list[DomainEvent] = field(default_factory=list)

    def named(self, name: str) -> Category | None:
        """Return the category of this name, in whatever case it is asked for."""
        key = category_key(name)
        return next((category for category in self.by_id.values() if category.key == key), None)

    def names_of(self, category_ids: Iterable[UUID]) -> list[str]:
        """Return the names of some categories, in the order in which they are shown."""
        return [each.name for each in sorted(map(self.by_id.__getitem__, category_ids), key=lambda c: c.key)]

    def find_or_create(self, name: str, *, category_id: UUID, now: datetime, field: str = "name") -> Category:
        """Return the category of this name, made now with this id if there is none. Raises what `create` raises."""
        return self.named(name) or self.create(name, category_id=category_id, now=now, field=field)

    def create(
        self, name: str, *, category_id: UUID, now: datetime, color: str | None = None, field: str = "name"
    ) -> Category:
        """Make a category; `field` is what its name is called by whoever gave it.

        Raises InvalidCategory for what is no name, ValidationFailed for what is no colour, CategoryExists when there
        is one of this name, LimitReached when there are 200.
        """
        category = Category(
            id=category_id,
            user_id=self.user_id,
            name=category_name(name, field=field),
            color=_color(color),
            created_at=now,
            updated_at=now,
        )
        if self.named(category.name) is not None:
            raise CategoryExists(name=category.name)
        if len(self.by_id) >= MAX_CATEGORIES:
            raise LimitReached(limit="categories", maximum=MAX_CATEGORIES)
        self.by_id[category.id] = category
        self.changed.add(category.id)
        self.events.append(
            CategoryCreated(
                user_id=self.user_id,
                game_id=None,
                occurred_at=now,
                category_id=category.id,
                name=category.name,
                color=category.color,
            )
        )
        return category

    def edit(
        self,
        category_id: UUID,
        *,
        now: datetime,
        name: str | Unset = UNSET,
        color: str | Unset | None = UNSET,
    ) -> Category:
        """Rename or recolour a category; None takes the colour away.

        Raises CategoryNotFound, and what `create` raises.
        """
        category = self._find(category_id)
        new_name = category.name if name is UNSET else category_name(name)
        new_color = category.color if color is UNSET else _color(color)
        holder = self.named(new_name)
        if holder is not None and holder is not category:
            raise CategoryExists(name=new_name)
        if (new_name, new_color) == (category.name, category.color):
            return category

        category.name, category.color, category.updated_at = new_name, new_color, now
        self.changed.add(category.id)
        self.events.append(
            CategoryEdited(
                user_id=self.user_id,
                game_id=None,
                occurred_at=now,
                category_id=category.id,
                name=category.name,
                color=category.color,
            )
        )
        return category

    def delete(self, category_id: UUID, *, now: datetime) -> None:
        """Give up a category; the games that are in it stay. Raises CategoryNotFound."""
        category = self._find(category_id)
        del self.by_id[category.id]
        self.deleted.add(category.id)
        self.events.append(
            CategoryDeleted(
                user_id=self.user_id,
                game_id=None,
                occurred_at=now,
                category_id=category.id,
                name=category.name,
            )
        )

    def _find(self, category_id: UUID) -> Category:
        try:
            return self.by_id[category_id]
        except KeyError:
            raise CategoryNotFound(category_id=category_id) from None


def _color(color: str | None) -> str | None:
    if color is not None and not _COLOR.fullmatch(color):
        raise ValidationFailed(field="color", reason="not_hex")
    return color
