"""Named SQL statements, read from the `.sql` files beside this module.

A statement begins with a line `-- name: page` and a comment on what it is for; parameters are `%(name)s`. What several
statements of a file share is a `-- fragment: mine`, which stands in them as `{mine}`.

What cannot be a parameter, a column to sort by or a direction, is chosen from a list in the comment:

    -- where {key} is name, price
    -- where {direction} {beyond} is ASC >, DESC <

makes four statements of one, `page.name.ASC` to `page.price.DESC`: all of them are known, prepared and linted in tests,
and nothing is put together at run time.

A read of one that may also be asked for many at once says so in its comment, with what differs between them:

    -- in batches by user_id uuid, now timestamptz

makes `rights.batch` of `rights`, framed by `batch.sql`: the same text, told by arrays whom it is about. Its rows bear the
place of the one they answer, `n`, from 1.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import product
from typing import LiteralString

_PART = re.compile(r"^-- (name|fragment): ([a-z_]+)$", re.MULTILINE)
_CHOICE = re.compile(r"^-- where ((?:\{[a-z_]+\} )+)is (.+)$", re.MULTILINE)
_PLACE = re.compile(r"\{([a-z_]+)\}")
_BATCHED = re.compile(r"^-- in batches by (.+)$", re.MULTILINE)
_PARAMETER = re.compile(r"%\((\w+)\)s")
_LEADING_COMMENTS = re.compile(r"\A(?:--[^\n]*\n)+")


@cache
def statements(family: str) -> dict[str, LiteralString]:
    """Return the statements of `sql/{family}.sql` by name, as they are sent.

    The comment is for the reader; the server gets the name instead, and shows it in its activity and logs.

    Raises ValueError when a name occurs twice, KeyError when a fragment is missing.
    """
    return {
        # The text ships with the package, so it is as literal as a string in the code.
        name: f"/* {family}.{name} */ {_LEADING_COMMENTS.sub('', source)}"
        for name, source in sources(family).items()
    }


@cache
def sources(family: str) -> dict[str, str]:
    """Return the statements of `sql/{family}.sql` by name, as they are written, with their fragments and choices.

    Raises ValueError when a name occurs twice, KeyError when a fragment is missing.
    """
    return variants(files("library_adapters.postgres.sql").joinpath(f"{family}.sql").read_text("utf-8"))


def variants(text: str) -> dict[str, str]:
    """Return the statements of a file's text by name. Raises what `sources` raises."""
    _, *parts = _PART.split(text)
    kinds, names, bodies = parts[::3], parts[1::3], [body.strip() for body in parts[2::3]]
    if len(set(names)) != len(names):
        msg = f"a name occurs twice: {sorted(names)}"
        raise ValueError(msg)
    fragments = {
        name: _LEADING_COMMENTS.sub("", body)
        for kind, name, body in zip(kinds, names, bodies, strict=True)
        if kind == "fragment"
    }
    found: dict[str, str] = {}
    for kind, name, body in zip(kinds, names, bodies, strict=True):
        if kind == "fragment":
            continue
        for labels, chosen in _choices(body):
            variant = ".".join([name, *labels])
            found[variant] = _fill(body, fragments | chosen)
            for columns in _BATCHED.findall(body):
                found[f"{variant}.batch"] = _batch(found[variant], _fill(columns, chosen))
    return found


def families() -> list[str]:
    """Return the names of all statement files."""
    folder = files("library_adapters.postgres.sql")
    return sorted(
        entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql")
    )


def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement as the wire knows it, with $1, $2, …, and the parameters' names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    text = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", statement)
    return text.replace("%%", "%"), names


def _batch(statement: str, columns: str) -> str:
    """Return the statement that reads for many what this one reads for one; `columns` is `name type, name type`."""
    kinds = dict(column.split() for column in columns.split(", "))
    comment = _LEADING_COMMENTS.match(statement)
    start = comment.end() if comment else 0
    read = _PARAMETER.sub(
        lambda match: f"member.{match[1]}" if match[1] in kinds else match[0], statement[start:]
    )
    frame = files("library_adapters.postgres.sql").joinpath("batch.sql").read_text("utf-8")
    arrays = ", ".join(f"%(each_{name})s::{kind}[]" for name, kind in kinds.items())
    return statement[:start] + _fill(
        _LEADING_COMMENTS.sub("", frame), {"arrays": arrays, "names": ", ".join(kinds), "read": read}
    )


def _choices(body: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield every combination of what is chosen: the first word of each choice, and what stands in which place."""
    lists = [
        [dict(zip(_PLACE.findall(places), option.split(), strict=True)) for option in options.split(", ")]
        for places, options in _CHOICE.findall(body)
    ]
    for combination in product(*lists):
        yield (
            [next(iter(option.values())) for option in combination],
            {place: word for option in combination for place, word in option.items()},
        )


def _fill(body: str, words: dict[str, str]) -> str:
    """Put words and fragments into their places, in the statement but not in what is said about it."""
    comment = _LEADING_COMMENTS.match(body)
    start = comment.end() if comment else 0
    filled = body[start:]
    while _PLACE.search(filled):
        filled = _PLACE.sub(lambda place: words[place[1]], filled)
    return body[:start] + filled
