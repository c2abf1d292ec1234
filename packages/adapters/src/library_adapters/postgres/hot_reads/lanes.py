"""Who waits for what, and the places of connections that it comes by."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from psycopg.abc import Transformer

from library_adapters.postgres.hot_reads.pipeline import Pipeline
from library_adapters.postgres.hot_reads.reads import Line, Read, Shared

Record: TypeAlias = tuple[Any, ...]
"""A row: the place of its line, its place among the line's rows, and the columns of the read."""

# The two columns that come before those of the read.
PLACES = 2


@dataclass(slots=True)
class Rows:
    """What a statement found for those lines of a batch that one asked about."""

    names: Sequence[str]
    """Of the columns."""
    of_line: list[list[Record]]

    @staticmethod
    def values(record: Record) -> Record:
        """Return the row's columns in their order."""
        return record[PLACES:]

    def mapping(self, record: Record) -> dict[str, Any]:
        """Return the row as psycopg's `dict_row` would."""
        return dict(zip(self.names, record[PLACES:], strict=True))


@dataclass(slots=True, eq=False)
class Ask:
    """Somebody who waits."""

    lines: Sequence[Line]
    answer: asyncio.Future[list[Rows]]
    group: "Group"
    queued_at: float
    tick: int
    was_lost: bool = False


@dataclass(slots=True, eq=False)
class Group:
    """Those who ask for the same and can be answered by one statement."""

    key: object
    read: Read
    shared: Shared
    asks: dict[Ask, None] = field(default_factory=dict)
    after: int = 0
    """Only a connection that was opened later than this one will do."""


@dataclass(slots=True, eq=False)
class Lane:
    """The place of a connection, which may be absent for a while."""

    pipeline: Pipeline | None = None
    transformer: Transformer | None = None
    number: int = 0
    """The connections of a process are counted as they open."""
    kind: str = ""
    """Of the reads in flight, if there are any."""
    tick: int = 0
    """When the first batch in flight began to be waited for."""

    @property
    def takes_more(self) -> bool:
        """Whether there is a connection, and it is to stay."""
        return self.pipeline is not None and self.pipeline.takes_more

    @property
    def expected(self) -> int:
        """How many batches were sent and not answered yet."""
        return 0 if self.pipeline is None else self.pipeline.expected
