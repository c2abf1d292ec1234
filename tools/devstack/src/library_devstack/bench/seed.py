"""Filling the database of a run by COPY: as many rows as wanted, the same at every run."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path

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
_KINDS = {_SUBSCRIBED: "subscription"}
_REFUNDS = {_REVOKED: (_THEN, "refund")}
_DAYS = 5 * 336


@dataclass(frozen=True, slots=True)
class _Table:
    name: tuple[str, ...]
    columns: tuple[str, ...]
    lines: Iterator[str]
    """In COPY's text format."""


def seed(dsn: str, *, rows: int, remembered: Path) -> None:
    """Bring the database to exactly so many library rows, unless it has them.

    Durable as always, then vacuumed: a run does not meet the first vacuum of new rows in its middle. The file keeps
    which version of this module made the rows.
    """
    players = players_of(rows)
    with psycopg.connect(dsn, autocommit=True, application_name="library-dev bench") as connection:
        found = connection.execute(_COUNT).fetchone()
        is_ours = remembered.exists() and remembered.read_text("utf-8") == _version()
        if is_ours and found == (players * ROWS_PER_PLAYER, GAMES):
            return
        tables = _tables(players)
        with connection.transaction():
            # Foreign keys hold by the way the rows are made: half a million questions less.
            connection.execute("SET LOCAL session_replication_role = replica")
            emptied = sql.SQL(", ").join(sql.Identifier(*table.name) for table in tables)
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(emptied))
            for table in tables:
                _copy(connection, table)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    remembered.write_text(_version(), "utf-8")


def players_of(rows: int) -> int:
    """Return how many players so many rows belong to."""
    return max(rows // ROWS_PER_PLAYER, 1)


def _version() -> str:
    folder = files("library_devstack.bench")
    sources = [folder.joinpath(name).read_bytes() for name in ("seed.py", "population.py")]
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _copy(connection: psycopg.Connection, table: _Table) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*table.name), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while chunk := "".join(islice(table.lines, _LINES_AT_ONCE)):
            copy.write(chunk)


def _tables(players: int) -> Sequence[_Table]:
    owned = _Players(players)
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
                "event_id",
            ),
            _games(),
        ),
        _Table(("user_revisions",), ("user_id", "revision", "changed_at"), owned.revisions()),
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
                "shown_until",
                "revoked_at",
                "revoke_reason",
                "is_hidden",
                "is_favorite",
                "last_played_at",
                "total_playtime",
                "installation_status",
                "install_device_id",
                "platform",
                "install_event_at",
                "revision",
                "created_at",
                "updated_at",
            ),
            owned.entries(),
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
            owned.grants(),
        ),
        _Table(
            ("user_installations",),
            (
                "user_id",
                "game_id",
                "device_id",
                "status",
                "platform",
                "event_at",
                "event_id",
                "files_are_there",
                "files_platform",
                "install_path",
                "installed_version",
                "size_installed",
                "size_total",
                "files_event_at",
                "files_event_id",
                "revision",
            ),
            owned.installations(),
        ),
        _Table(
            ("user_game_categories",),
            ("id", "user_id", "name", "name_key", "revision", "created_at", "updated_at"),
            owned.categories(),
        ),
        _Table(("user_game_category_items",), ("user_id", "category_id", "library_item_id"), owned.filed()),
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
            game_id(number),
        )


class _Players:
    """The lines of the players' tables. Ids and days are texts made once: there are millions of lines."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._ids = [str(player_id(player)) for player in range(count)]
        self._games = [str(game_id(game)) for game in range(GAMES)]
        self._days = [
            f"{2019 + day // 336}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}" for day in range(_DAYS)
        ]

    def revisions(self) -> Iterator[str]:
        return (_line(user, 1, _THEN) for user in self._ids)

    def entries(self) -> Iterator[str]:
        for player, slot, game in scattered(self._count):
            at = self._time(player, slot)
            is_installed = slot % _INSTALLED_EVERY == 0
            ends = _FAR if slot == _SUBSCRIBED else _NULL
            yield _line(
                row_id(player, slot),
                self._ids[player],
                self._games[game],
                "game" if game < BASE_GAMES else "dlc",
                at,
                _KINDS.get(slot, "purchase"),
                ends,
                ends,
                *_REFUNDS.get(slot, (_NULL, _NULL)),
                "t" if slot == _HIDDEN else "f",
                "t" if slot % 15 == 1 else "f",
                self._time(player, slot + 1) if (player + slot) % 5 > 1 else _NULL,
                (player + 1) * (slot + 7) * 613 % 500_000,
                "installed" if is_installed else "not_installed",
                _device(player) if is_installed else _NULL,
                "windows" if is_installed else _NULL,
                self._time(player, slot + 1) if is_installed else _NULL,
                1,
                at,
                at,
            )

    def grants(self) -> Iterator[str]:
        for player, slot, game in scattered(self._count):
            transaction = f"tx-{player}-{slot}"
            at = self._time(player, slot)
            yield _line(
                self._ids[player],
                self._games[game],
                _KINDS.get(slot, "purchase"),
                transaction,
                transaction,
                "direct",
                "999.00",
                "RUB",
                at,
                _FAR if slot == _SUBSCRIBED else _NULL,
                *_REFUNDS.get(slot, (_NULL, _NULL)),
                at,
                1,
            )

    def installations(self) -> Iterator[str]:
        for player, slot, game in scattered(self._count):
            if slot % _INSTALLED_EVERY == 0:
                told = (self._time(player, slot + 1), row_id(player, slot))
                yield _line(
                    self._ids[player],
                    self._games[game],
                    _device(player),
                    "installed",
                    "windows",
                    *told,
                    "t",
                    "windows",
                    f"D:/Games/{game}",
                    "1.4.1",
                    (game + 1) * 1_000_000,
                    (game + 1) * 1_048_576,
                    *told,
                    1,
                )

    def categories(self) -> Iterator[str]:
        for player, user in enumerate(self._ids):
            for number, name in enumerate(_CATEGORIES):
                yield _line(
                    row_id(player, ROWS_PER_PLAYER + number), user, name, name.casefold(), 1, _THEN, _THEN
                )

    def filed(self) -> Iterator[str]:
        for player, user in enumerate(self._ids):
            for slot in range(_FILED_EACH * len(_CATEGORIES)):
                category = row_id(player, ROWS_PER_PLAYER + slot // _FILED_EACH)
                yield _line(user, category, row_id(player, slot))

    def _time(self, player: int, slot: int) -> str:
        """Return a time of 2019 to 2023, whole seconds: one peer's clock has no microseconds."""
        return f"{self._days[(player * 7 + slot * 37) % _DAYS]} {player % 24}:{slot}:00+00"


def _device(player: int) -> str:
    return f"pc-{player}"


def _line(*values: object) -> str:
    return "\t".join(map(str, values)) + "\n"
