"""Players, their games, and the games' facts; read from and written to two CSV files."""

import csv
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Self
from uuid import UUID, uuid5

OWN_SAMPLE = Path(__file__).parent / "data"
_NAMESPACE = UUID("0b9d7c52-6a35-5c0e-8f44-3a2f1c5d9e10")
_PLAYS = "plays.csv"
_GAMES = "games.csv"
_PLAY_COLUMNS = ("player", "title", "hours")
_GAME_COLUMNS = ("title", "product_type", "parent", "platforms", "price", "currency", "released")


class SampleMissing(Exception):
    """The directory that was named does not hold the files that were expected."""


def title_key(title: str) -> str:
    """Return the title as titles are compared: without case, punctuation, spaces and trade marks."""
    plain = unicodedata.normalize("NFKC", title.translate({ord(mark): None for mark in "™®©"}))
    return "".join(character for character in plain.casefold() if character.isalnum())


def derived_id(kind: str, source_id: str) -> UUID:
    """Return the UUID (version 5) of something of the data set; every run and every sample agree on it."""
    return uuid5(_NAMESPACE, f"{kind}/{source_id}")


def player_id(player: str) -> UUID:
    """Return the user id of a player of the data set."""
    return derived_id("player", player)


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """A product; `parent` is the title of the game that a DLC belongs to. The price is in `currency`, 0 is free."""

    title: str
    product_type: str
    parent: str | None
    platforms: tuple[str, ...]
    price: Decimal
    currency: str
    released: date

    @property
    def game_id(self) -> UUID:
        """Return its id in the catalog."""
        return derived_id("game", title_key(self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One product that a player owns and how long it was played."""

    player: str
    title: str
    hours: Decimal


@dataclass(frozen=True, slots=True)
class Dataset:
    """Games by title, and what each player owns, in the order of the source."""

    games: Mapping[str, Game]
    libraries: Mapping[str, Sequence[Play]]

    @classmethod
    def read(cls, directory: Path = OWN_SAMPLE) -> Self:
        """Read what `write` wrote. Raises SampleMissing."""
        games = {row["title"]: _game(row) for row in rows(directory / _GAMES, _GAME_COLUMNS)}
        plays = (
            Play(player=row["player"], title=row["title"], hours=Decimal(row["hours"]))
            for row in rows(directory / _PLAYS, _PLAY_COLUMNS)
        )
        return cls(games, by_player(plays))

    def write(self, directory: Path) -> None:
        """Write both files, sorted, so that the same data makes the same bytes."""
        games = sorted(self.games.values(), key=lambda game: (title_key(game.title), game.title))
        _write(
            directory / _GAMES,
            _GAME_COLUMNS,
            (
                (
                    game.title,
                    game.product_type,
                    game.parent or "",
                    "|".join(game.platforms),
                    str(game.price),
                    game.currency,
                    game.released.isoformat(),
                )
                for game in games
            ),
        )
        _write(
            directory / _PLAYS,
            _PLAY_COLUMNS,
            (
                (play.player, play.title, str(play.hours))
                for plays in self.libraries.values()
                for play in plays
            ),
        )

    def first(self, players: int) -> "Dataset":
        """Return the first players with everything they own; the games stay."""
        chosen = list(self.libraries.items())[:players]
        return Dataset(self.games, dict(chosen))

    @property
    def purchases(self) -> int:
        """Return how many library rows the players have together, DLC included."""
        return sum(len(plays) for plays in self.libraries.values())


def rows(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """Read a CSV file that must have these columns. Raises SampleMissing, naming what is not there."""
    if not path.is_file():
        raise SampleMissing(f"{path} is not there; name the directory that holds it with --data")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise SampleMissing(f"{path} lacks the columns {', '.join(sorted(missing))}")
        return list(reader)


def by_player(plays: Iterable[Play]) -> dict[str, list[Play]]:
    """Group plays by player, both in their order."""
    libraries: dict[str, list[Play]] = {}
    for play in plays:
        libraries.setdefault(play.player, []).append(play)
    return libraries


def _game(row: Mapping[str, str]) -> Game:
    return Game(
        title=row["title"],
        product_type=row["product_type"],
        parent=row["parent"] or None,
        platforms=tuple(row["platforms"].split("|")),
        price=Decimal(row["price"]),
        currency=row["currency"],
        released=date.fromisoformat(row["released"]),
    )


def _write(path: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)
