"""From the public data to a data set: games joined with the store, what nobody published generated.

The sources (`steam-plays.csv`, `steam-store.csv`) are described in `data/README.md`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from library_devstack.sample import chance
from library_devstack.sample.dataset import Dataset, Game, Play, by_player, rows, title_key

PLAYS = "steam-plays.csv"
STORE = "steam-store.csv"
PLAYERS = 300
"""How many players the project's own sample has."""
_BIG_LIBRARY = 100
_BIG_LIBRARIES = 12
_PLAYS_COLUMNS = ("user_id", "title", "hours_played")
_STORE_COLUMNS = ("app_id", "title", "windows", "macos", "linux", "released", "price_usd")
_PLATFORMS = ("windows", "macos", "linux")
_CURRENCY = "USD"
_PRICES = tuple(
    Decimal(price) for price in ("0.00", "4.99", "9.99", "9.99", "14.99", "19.99", "19.99", "29.99", "59.99")
)
_FIRST_RELEASE = date(2003, 9, 12)
_RELEASE_DAYS = 13 * 365
_DLC_NAMES = ("Soundtrack", "Season Pass", "Bonus Content")
_DLC_PRICES = tuple(Decimal(price) for price in ("2.99", "4.99", "9.99"))
_GAMES_WITH_DLC = 0.03
_OWNERS_OF_DLC = 0.3
_CENT = Decimal("0.01")
_FREE = Decimal("0.00")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_DATE_FORMATS = ("%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y")


def assemble(source: Path) -> Dataset:
    """Read the whole public data and complete it. Raises dataset.SampleMissing."""
    store = _store(rows(source / STORE, _STORE_COLUMNS))
    plays = _plays(rows(source / PLAYS, _PLAYS_COLUMNS))
    base = [_game(title, store) for title in dict.fromkeys(play.title for play in plays)]
    dlc = [_dlc(game) for game in base if chance.happens(f"dlc of/{game.title}", probability=_GAMES_WITH_DLC)]
    games = {game.title: game for game in [*base, *dlc]}
    dlc_of = {game.parent: game for game in dlc}
    return Dataset(games, by_player(_with_dlc(plays, dlc_of)))


def choose(whole: Dataset, players: int = PLAYERS) -> Dataset:
    """Choose the sample: the longest library, some other big ones, and the rest by lot; with the games they own."""
    by_lot = sorted(whole.libraries, key=lambda player: chance.number(f"player/{player}"))
    longest = max(by_lot, key=lambda player: len(whole.libraries[player]))
    big = [player for player in by_lot if len(whole.libraries[player]) >= _BIG_LIBRARY and player != longest]
    first = [longest, *big[: _BIG_LIBRARIES - 1]]
    chosen = [*first, *(player for player in by_lot if player not in first)][:players]
    libraries = {player: whole.libraries[player] for player in chosen}
    titles = {play.title for plays in libraries.values() for play in plays}
    parents = {whole.games[title].parent for title in titles}
    games = {title: game for title, game in whole.games.items() if title in titles | parents}
    return Dataset(games, libraries)


def _plays(lines: Iterable[Mapping[str, str]]) -> list[Play]:
    """Read the plays; the few that the data set has twice are one play with both hours."""
    hours: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        key = line["user_id"], line["title"]
        hours[key] = hours.get(key, Decimal(0)) + Decimal(line["hours_played"])
    return [Play(player=player, title=title, hours=played) for (player, title), played in hours.items()]


def _store(lines: Iterable[Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Index the store by exact title and by title key; the oldest entry wins a key, an exact title beats it."""
    oldest_last = sorted(lines, key=lambda line: -int(line["app_id"]))
    return {title_key(line["title"]): line for line in oldest_last} | {
        line["title"]: line for line in oldest_last
    }


def _game(title: str, store: Mapping[str, Mapping[str, str]]) -> Game:
    line = store.get(title) or store.get(title_key(title)) or {}
    platforms = tuple(platform for platform in _PLATFORMS if line.get(platform) == "1")
    price = _price(line.get("price_usd", ""))
    return Game(
        title=title,
        product_type="game",
        parent=None,
        platforms=platforms or ("windows",),
        price=chance.pick(f"price/{title}", _PRICES) if price is None else price,
        currency=_CURRENCY,
        released=_parse(line.get("released", "")) or _generated_release(title),
    )


def _dlc(game: Game) -> Game:
    return Game(
        title=f"{game.title}: {chance.pick(f'dlc name/{game.title}', _DLC_NAMES)}",
        product_type="dlc",
        parent=game.title,
        platforms=game.platforms,
        price=chance.pick(f"dlc price/{game.title}", _DLC_PRICES),
        currency=_CURRENCY,
        released=game.released,
    )


def _with_dlc(plays: Iterable[Play], dlc_of: Mapping[str | None, Game]) -> Iterable[Play]:
    for play in plays:
        yield play
        dlc = dlc_of.get(play.title)
        if dlc and chance.happens(f"owns/{play.player}/{dlc.title}", probability=_OWNERS_OF_DLC):
            yield Play(player=play.player, title=dlc.title, hours=Decimal(0))


def _generated_release(title: str) -> date:
    return _FIRST_RELEASE + timedelta(days=chance.number(f"released/{title}") % _RELEASE_DAYS)


def _price(listed: str) -> Decimal | None:
    """Read a price of the store; words ("Free To Play") mean zero, nothing means unknown."""
    if not listed:
        return None
    return Decimal(listed).quantize(_CENT) if _NUMBER.fullmatch(listed) else _FREE


def _parse(released: str) -> date | None:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(released, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None
