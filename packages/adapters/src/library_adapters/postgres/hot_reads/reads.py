"""What can be read or written in batches: the statements, and how their parameters are put on the wire."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Format

from library_adapters.postgres.hot_reads.arrays import binary_array, element
from library_adapters.postgres.hot_reads.pipeline import Execute, Prepare
from library_adapters.postgres.statements import numbered, statements

Line = tuple[bytes, ...]
"""What one answer is about: a value for each of a read's columns, as it goes on the wire."""
Shared = tuple[bytes | None, ...]
"""Values that all reads of a batch have in common, as they go on the wire."""

_ARRAY = re.compile(r"%\(each_(\w+)\)s::(\w+)\[\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    name: bytes
    text: bytes
    parameters: tuple[tuple[bool, int], ...]
    """Of each: whether it is an array, and which column or shared value it is."""
    formats: tuple[Format, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """One read of a port, or one write: its statements are sent together, each for all that ask for the same."""

    kind: str
    """Reads of one kind touch the same tables: where one is stuck, the others would be too."""
    columns: tuple[tuple[str, str], ...]
    shared: tuple[str, ...]
    statements: tuple[_Statement, ...]
    one_by: int | None = None
    """The column that no two lines of a batch may have alike: writes are one per user (data 31). None of a read."""

    @classmethod
    def of(cls, kind: str, *names: str) -> Self:
        """Return the read that these statements of `library_reader.sql` make together."""
        return cls.made_of(kind, {name: statements("library_reader")[f"{name}.batch"] for name in names})

    @classmethod
    def made_of(cls, kind: str, texts: Mapping[str, str], *, one_by: str | None = None) -> Self:
        """Return the read of these statements by name, each for many (see batch.sql); a write names its `one_by`."""
        columns = {column: type_ for text in texts.values() for column, type_ in _ARRAY.findall(text)}
        named = {name: numbered(text) for name, text in texts.items()}
        shared = dict.fromkeys(
            name for _, names in named.values() for name in names if name.removeprefix("each_") not in columns
        )
        places = {f"each_{column}": (True, place) for place, column in enumerate(columns)} | {
            name: (False, place) for place, name in enumerate(shared)
        }
        return cls(
            kind=kind,
            columns=tuple(columns.items()),
            shared=tuple(shared),
            statements=tuple(
                _Statement(
                    name=name.encode(),
                    text=text.encode(),
                    parameters=tuple(places[each] for each in parameters),
                    formats=tuple(Format.BINARY if places[each][0] else Format.TEXT for each in parameters),
                )
                for name, (text, parameters) in named.items()
            ),
            one_by=None if one_by is None else list(columns).index(one_by),
        )

    @property
    def writes(self) -> bool:
        """Whether it changes anything: then it is never sent again when its outcome is not known."""
        return self.one_by is not None

    def line(self, **values: object) -> Line:
        """Return what one answer is about; a value that the read has no column for is left out.

        Who asks does this, so that a value that is none of its type fails its own read and no other's.
        """
        return tuple([element(kind, values[name]) for name, kind in self.columns])

    def lines(self, column: str, values: Iterable[object], **common: object) -> list[Line]:
        """Return a line for each of these values of one column; the others' are the same in all of them."""
        places = [name for name, _ in self.columns]
        kind, place = dict(self.columns)[column], places.index(column)
        line = self.line(**common, **{column: None})
        before, after = line[:place], line[place + 1 :]
        return [(*before, element(kind, value), *after) for value in values]

    def preparations(self) -> list[Prepare]:
        """Return what a connection must be told before it can be asked."""
        return [Prepare(name=each.name, text=each.text) for each in self.statements]

    def executions(self, lines: Sequence[Line], shared: Shared) -> list[Execute]:
        """Return what is sent to read for all these lines."""
        arrays = [
            binary_array(kind, [line[place] for line in lines])
            for place, (_, kind) in enumerate(self.columns)
        ]
        return [
            Execute(
                name=each.name,
                values=[arrays[place] if is_array else shared[place] for is_array, place in each.parameters],
                formats=each.formats,
            )
            for each in self.statements
        ]

    def share(self, values: dict[str, object]) -> Shared:
        """Return the shared values of the read out of these, ready to be sent."""
        chosen = [values[name] for name in self.shared]
        dumped = Transformer().dump_sequence(chosen, [PyFormat.TEXT] * len(chosen))
        return tuple(None if each is None else bytes(each) for each in dumped)
