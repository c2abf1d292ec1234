"""What a library can be asked for, as it stands in a URL (contract 2, Lists; details 3.9)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from litestar.params import QueryParameter

from library_api.application import Wired
from library_api.cursors import Cursors
from library_api.fields import fields_pattern, parse_fields, trim
from library_api.strict_json import TEXT_PATTERN, clean_text
from library_domain.library.model import InstallationStatus
from library_domain.library.queries import (
    MAX_Q,
    Collection,
    Filter,
    LibraryFilter,
    LibraryItem,
    LibraryPage,
    LibraryQuery,
    LibrarySort,
)
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import UserId
from library_domain.shared.paging import MAX_LIMIT, MAX_OFFSET, Order, Page

ASKED = "asked"
"""Under this name the scope's state holds what was made of the query."""
_MAX_CATEGORY = 100
_FILTERS_REMEMBERED = 1_000
_MINUS = "-"
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_NOT_BLANK = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"


class Sort(StrEnum):
    """The values of `sort`; one with a minus is `order=desc`."""

    NAME = "name"
    ACQUISITION_DATE = "acquisition_date"
    LAST_PLAYED_AT = "last_played_at"
    TOTAL_PLAYTIME = "total_playtime"
    INSTALLATION_STATUS = "installation_status"
    NAME_DESC = "-name"
    ACQUISITION_DATE_DESC = "-acquisition_date"
    LAST_PLAYED_AT_DESC = "-last_played_at"
    TOTAL_PLAYTIME_DESC = "-total_playtime"
    INSTALLATION_STATUS_DESC = "-installation_status"


# The bounds are published here; `Page`, `LibraryFilter` and the routes refuse what is beyond them.
FiltersParameter = Annotated[
    list[Filter] | None,
    QueryParameter(
        description="Which games; may be repeated. Values of one group (game and application, installed and "
        "not_installed) widen, values of different groups narrow.",
    ),
]
StatusesParameter = Annotated[
    list[InstallationStatus] | None,
    QueryParameter(description="One of these states; may be repeated."),
]
CollectionParameter = Annotated[
    Collection | None, QueryParameter(description="The games of a built-in collection.")
]
CategoryParameter = Annotated[
    str | None,
    QueryParameter(
        description="The games of the category of this name, in any case.",
        schema_extra={"minLength": 1, "maxLength": _MAX_CATEGORY, "pattern": TEXT_PATTERN},
    ),
]
QParameter = Annotated[
    str | None,
    QueryParameter(
        description="Part of the name, in any case, taken literally.",
        schema_extra={"minLength": 1, "maxLength": MAX_Q, "pattern": _NOT_BLANK},
    ),
]
IncludeHiddenParameter = Annotated[bool, QueryParameter(description="Show hidden games among the others.")]
SortParameter = Annotated[Sort, QueryParameter(description="What to sort by; a minus turns the order round.")]
OrderParameter = Annotated[
    Order | None, QueryParameter(description="Which way; `asc` if nothing else is said.")
]
LimitParameter = Annotated[
    int,
    QueryParameter(description="How many items at most.", schema_extra={"minimum": 1, "maximum": MAX_LIMIT}),
]
OffsetParameter = Annotated[
    int,
    QueryParameter(description="How many items to skip.", schema_extra={"minimum": 0, "maximum": MAX_OFFSET}),
]
CursorParameter = Annotated[
    str | None,
    QueryParameter(
        description="`next_cursor` of the page before, with the same filters and sort; no offset."
    ),
]
FieldsParameter = Annotated[
    str | None,
    QueryParameter(
        description="Members of the items to show, divided by commas; all if it is left out.",
        schema_extra={"pattern": fields_pattern(LibraryItem)},
    ),
]


@dataclass(slots=True, kw_only=True)
class LibraryList:
    """A part of a library."""

    items: list[LibraryItem]
    total: int | None
    """How many games all pages have together; null on a page that a cursor asked for."""
    limit: int
    offset: int | None
    """Null on a page that a cursor asked for."""
    next_cursor: str | None
    """Asks for the page behind this one; null on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a part of a library, its cursor still to be read."""

    filter: LibraryFilter
    sort: LibrarySort
    order: Order
    limit: int
    offset: int
    cursor: str | None
    cursors: Cursors
    fields: Sequence[str] | None

    @property
    def is_personal(self) -> bool:
        """Whether hardly anybody else asks in the same words."""
        return self.cursor is not None or self.filter.q is not None or self.filter.category is not None

    def query(self, *, user_id: UserId, prefix: str) -> LibraryQuery:
        """Return what the domain is asked. Raises ValidationFailed for a cursor of another request."""
        after = None
        if self.cursor is not None:
            after = self.cursors.read(self.cursor, bound_to=self._binding(user_id, prefix))
        return LibraryQuery(
            filter=self.filter,
            sort=self.sort,
            order=self.order,
            page=Page(limit=self.limit, offset=self.offset, after=after),
        )

    def answer(self, found: LibraryPage, *, user_id: UserId, prefix: str) -> LibraryList:
        """Return the page as it is shown."""
        binding = self._binding(user_id, prefix)
        return LibraryList(
            items=[trim(item, self.fields) for item in found.items],
            total=found.total,
            limit=self.limit,
            offset=self.offset if self.cursor is None else None,
            next_cursor=None if found.next is None else self.cursors.write(found.next, bound_to=binding),
        )

    def _binding(self, user_id: UserId, prefix: str) -> Sequence[object]:
        return [prefix, user_id, _words(self.filter), self.sort, self.order]


@lru_cache(maxsize=_FILTERS_REMEMBERED)
def _words(wanted: LibraryFilter) -> Mapping[str, object]:
    """Return the filter as a cursor is bound to it; most clients ask for the same few."""
    return asdict(wanted)


def asked(
    *,
    application: Wired,
    filter: FiltersParameter = None,  # noqa: A002 - what it is called in the URL, and in refusals
    installation_status: StatusesParameter = None,
    collection: CollectionParameter = None,
    category: CategoryParameter = None,
    q: QParameter = None,
    include_hidden: IncludeHiddenParameter = False,
    sort: SortParameter = Sort.NAME,
    order: OrderParameter = None,
    limit: LimitParameter = 20,
    offset: OffsetParameter = 0,
    cursor: CursorParameter = None,
    fields: FieldsParameter = None,
) -> Asked:
    """Read the query of a list of games. Raises ValidationFailed naming the parameter that is wrong."""
    if cursor is not None and offset:
        raise ValidationFailed(field="offset", reason="not_with_cursor")
    by, direction = _sorting(sort, order)
    return Asked(
        filter=replace(
            LibraryFilter.named(filter or (), include_hidden=include_hidden),
            installation_statuses=frozenset(installation_status or ()),
            category=_category(category),
            q=None if q is None else clean_text(q, "q"),
            collection=collection,
        ),
        sort=by,
        order=direction,
        limit=Page(limit=limit).limit,
        offset=Page(offset=offset).offset,
        cursor=cursor,
        cursors=Cursors(application.cursor_key),
        fields=parse_fields(fields, LibraryItem),
    )


def _category(name: str | None) -> str | None:
    if name is None:
        return None
    if not 1 <= len(name) <= _MAX_CATEGORY:
        raise ValidationFailed(field="category", reason="length", minimum=1, maximum=_MAX_CATEGORY)
    return clean_text(name, "category")


def _sorting(sort: Sort, order: Order | None) -> tuple[LibrarySort, Order]:
    """Return what to sort by and which way. Raises ValidationFailed when a minus and `order` disagree."""
    by = LibrarySort(sort.removeprefix(_MINUS))
    if not sort.startswith(_MINUS):
        return by, order or Order.ASC
    if order is Order.ASC:
        raise ValidationFailed(field="order", reason="contradicts_sort")
    return by, Order.DESC
