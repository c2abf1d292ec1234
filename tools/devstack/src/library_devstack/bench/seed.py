"""Filling the database of a run by COPY: as many rows as wanted, the same at every run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice

import psycopg
from psycopg import sql

from library_devstack.bench.population import (
    BASE_GAMES,
    GAMES,
    ROWS_PER_PLAYER,
    game_id,
    parent,
    player_id,
    row_id,
    scattered,
)
from library_domain.shared.text import sort_name

_LINES_AT_ONCE = 2_000
_NULL = "\\N"
_THEN = "2024-01-01 00:00:00+00"
_FAR = "2099-01-01 00:00:00+00"
_COUNT = files("library_devstack.bench").joinpath("count.sql").read_text("utf-8")
_CATEGORIES = ("Co-op", "Стратегии")
_FILED_EACH = 5
_SUBSCRIBED, _REVOKED, _HIDDEN = 42, 43, 44
_INSTALLED_EVERY = 10


@dataclass(frozen=True, slots=True)
class _Table:
    name: tuple[str, ...]
    columns: tuple[str, ...]
    lines: Iterator[str]
    """In COPY's text format."""


def seed(dsn: str, *, rows: int) -> bool:
    """Bring the database to exactly so many library rows; return whether anything was to be done.

    Durable as always, then vacuumed: a run does not meet the first vacuum of new rows in its middle.
    """
    players = players_of(rows)
    with psycopg.connect(dsn, autocommit=True, application_name="library-dev bench") as connection:
        found = connection.execute(_COUNT).fetchone()
        if found == (players * ROWS_PER_PLAYER, GAMES):
            return False
        tables = _tables(players)
        with connection.transaction():
            emptied = sql.SQL(", ").join(sql.Identifier(*table.name) for table in tables)
            connection.execute(sql.SQL("TRUNCATE {}").format(emptied))
            for table in tables:
                _copy(connection, table)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return True


def players_of(rows: int) -> int:
    """Return how many players so many rows belong to."""
    return max(rows // ROWS_PER_PLAYER, 1)


def _copy(connection: psycopg.Connection, table: _Table) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*table.name), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while chunk := "".join(islice(table.lines, _LINES_AT_ONCE)):
            copy.write(chunk)


def _tables(players: int) -> Sequence[_Table]:
    return (
        _Table(
            ("catalog", "games"),
            (
                "game_id",
                "name",
                "sort_name",
                "product_type",
                "parent_game_id",
                "platforms",
                "size_required",
                "version",
                "launch_options",
                "cover_url",
                "developer",
                "is_stub",
                "event_at",
            ),
            _games(),
        ),
        _Table(("user_revisions",), ("user_id", "revision", "changed_at"), _revisions(players)),
        _Table(
            ("user_libraries",),
            (
                "id",
                "user_id",
                "game_id",
                "product_type",
                "acquisition_date",
                "acquisition_type",
                "access_expires_at",
                "revoked_at",
                "revoke_reason",
                "is_hidden",
                "is_favorite",
                "last_played_at",
                "total_playtime",
                "installation_status",
                "platform",
                "revision",
                "created_at",
                "updated_at",
            ),
            _entries(players),
        ),
        _Table(
            ("library_grants",),
            (
                "user_id",
                "game_id",
                "acquisition_type",
                "source_id",
                "transaction_id",
                "purchase_type",
                "price_amount",
                "price_currency",
                "granted_at",
                "expires_at",
                "revoked_at",
                "revoke_reason",
                "event_time",
                "revision",
            ),
            _grants(players),
        ),
        _Table(
            ("user_installations",),
            (
                "user_id",
                "game_id",
                "device_id",
                "platform",
                "status",
                "install_path",
                "installed_version",
                "size_installed",
                "event_at",
                "event_id",
                "revision",
            ),
            _installations(players),
        ),
        _Table(
            ("user_game_categories",),
            ("id", "user_id", "name", "name_key", "revision", "created_at", "updated_at"),
            _categories(players),
        ),
        _Table(("user_game_category_items",), ("user_id", "category_id", "library_item_id"), _filed(players)),
    )


def _games() -> Iterator[str]:
    options = '[{"id": "default", "name": "Play", "command": "play", "is_default": true}]'
    for number in range(GAMES):
        is_dlc = number >= BASE_GAMES
        name = f"Game {number * 7 % GAMES:05} of the benchmark"
        yield _line(
            game_id(number),
            name,
            sort_name(name),
            "dlc" if is_dlc else "game",
            game_id(parent(number)) if is_dlc else _NULL,
            "{windows,linux}",
            (number + 1) * 1_048_576,
            "1.4.2",
            "[]" if is_dlc else options,
            f"https://images.example/{number}.jpg",
            f"Studio {number % 300}",
            "f",
            _THEN,
        )


def _revisions(players: int) -> Iterator[str]:
    return (_line(player_id(player), 1, _THEN) for player in range(players))


def _entries(players: int) -> Iterator[str]:
    for player, slot, game in scattered(players):
        is_installed = slot % _INSTALLED_EVERY == 0
        yield _line(
            row_id(player, slot),
            player_id(player),
            game_id(game),
            "game" if game < BASE_GAMES else "dlc",
            _time(player, slot),
            _kind(slot),
            _FAR if slot == _SUBSCRIBED else _NULL,
            _THEN if slot == _REVOKED else _NULL,
            "refund" if slot == _REVOKED else _NULL,
            "t" if slot == _HIDDEN else "f",
            "t" if slot % 15 == 1 else "f",
            _time(player, slot + 1) if (player + slot) % 5 > 1 else _NULL,
            (player + 1) * (slot + 7) * 613 % 500_000,
            "installed" if is_installed else "not_installed",
            "windows" if is_installed else _NULL,
            1,
            _time(player, slot),
            _time(player, slot),
        )


def _grants(players: int) -> Iterator[str]:
    for player, slot, game in scattered(players):
        transaction = f"tx-{player}-{slot}"
        yield _line(
            player_id(player),
            game_id(game),
            _kind(slot),
            transaction,
            transaction,
            "direct",
            "999.00",
            "RUB",
            _time(player, slot),
            _FAR if slot == _SUBSCRIBED else _NULL,
            _THEN if slot == _REVOKED else _NULL,
            "refund" if slot == _REVOKED else _NULL,
            _time(player, slot),
            1,
        )


def _installations(players: int) -> Iterator[str]:
    for player, slot, game in scattered(players):
        if slot % _INSTALLED_EVERY == 0:
            yield _line(
                player_id(player),
                game_id(game),
                f"pc-{player}",
                "windows",
                "installed",
                f"D:/Games/{game}",
                "1.4.1",
                (game + 1) * 1_000_000,
                _time(player, slot + 1),
                row_id(player, slot),
                1,
            )


def _categories(players: int) -> Iterator[str]:
    for player in range(players):
        for number, name in enumerate(_CATEGORIES):
            yield _line(
                row_id(player, ROWS_PER_PLAYER + number),
                player_id(player),
                name,
                name.casefold(),
                1,
                _THEN,
                _THEN,
            )


def _filed(players: int) -> Iterator[str]:
    for player in range(players):
        for slot in range(_FILED_EACH * len(_CATEGORIES)):
            category = row_id(player, ROWS_PER_PLAYER + slot // _FILED_EACH)
            yield _line(player_id(player), category, row_id(player, slot))


def _kind(slot: int) -> str:
    return "subscription" if slot == _SUBSCRIBED else "purchase"


def _time(player: int, slot: int) -> str:
    """Return a time of 2019 to 2023, whole seconds: one peer's clock has no microseconds."""
    day = (player * 7 + slot * 37) % 1_680
    year, rest = divmod(day, 336)
    month, date = divmod(rest, 28)
    return f"{2019 + year}-{month + 1:02}-{date + 1:02} {player % 24:02}:{slot:02}:00+00"


def _line(*values: object) -> str:
    return "\t".join(map(str, values)) + "\n"
