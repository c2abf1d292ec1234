"""The sample as purchases: who bought what, when, and for how much. Times and ways of buying are generated, seeded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from library_devstack.events import Envelope, purchase_completed
from library_devstack.sample import chance
from library_devstack.sample.dataset import Dataset, Game, derived_id, player_id, title_key

_LAST_DAY = date(2023, 5, 31)
_LONGEST_AGO_DAYS = 6 * 365
_SECONDS_PER_DAY = 86_400
_GIFTS = 0.05


@dataclass(frozen=True, slots=True)
class Purchase:
    """An event and the library rows that it makes, as pairs of user and product: the game's and its DLC's."""

    event: Envelope
    products: frozenset[tuple[UUID, UUID]]


def purchases_of(dataset: Dataset, player: str) -> Iterator[Purchase]:
    """Yield a player's purchases, oldest first. The same purchase always has the same event id."""
    plays = dataset.libraries[player]
    dlc_of: dict[str, list[Game]] = {}
    for game in (dataset.games[play.title] for play in plays):
        if game.parent is not None:
            dlc_of.setdefault(game.parent, []).append(game)
    bases = [dataset.games[play.title] for play in plays if dataset.games[play.title].parent is None]
    for game in sorted(bases, key=lambda game: (_bought_at(player, game), game.title)):
        dlc = dlc_of.get(game.title, [])
        products = frozenset((player_id(player), each.game_id) for each in (game, *dlc))
        yield Purchase(_event(player, game, dlc), products)


def _event(player: str, game: Game, dlc: Sequence[Game]) -> Envelope:
    about = f"{player}/{title_key(game.title)}"
    is_gift = bool(game.price) and chance.happens(f"gift/{about}", probability=_GIFTS)
    paid = "gift" if is_gift else "direct"
    return purchase_completed(
        event_id=derived_id("purchase event", about),
        user_id=player_id(player),
        game_id=game.game_id,
        transaction_id=f"sample-{derived_id('transaction', about)}",
        at=_bought_at(player, game),
        product_type=game.product_type,
        purchase_type=paid if game.price else "free",
        price=sum((each.price for each in dlc), game.price),
        currency=game.currency,
        dlc=[each.game_id for each in dlc],
        # Somebody outside the data: who gave must not depend on how many players are loaded.
        gifted_by=derived_id("giver", about) if is_gift else None,
    )


def _bought_at(player: str, game: Game) -> datetime:
    """Return a moment between the release (at most six years before the last day of the data) and the last day."""
    first = max(game.released, _LAST_DAY - timedelta(days=_LONGEST_AGO_DAYS))
    span = max((_LAST_DAY - first).days, 0) * _SECONDS_PER_DAY + _SECONDS_PER_DAY
    seconds = chance.number(f"bought/{player}/{title_key(game.title)}") % span
    return datetime.combine(min(first, _LAST_DAY), time(), UTC) + timedelta(seconds=seconds)
