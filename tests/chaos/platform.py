"""Whole histories of players as the platform's services tell them: bought, refunded, subscribed, installed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from e2e.purchases import BOUGHT_AT, Purchase, derived, games, games_with_dlc

from library_devstack.events import Envelope
from library_devstack.sample import Game

PAYMENTS, CATALOG, DOWNLOADS, ACCOUNTS = (
    "payment-events",
    "catalog-events",
    "download-events",
    "account-events",
)
TOPICS = (PAYMENTS, CATALOG, DOWNLOADS, ACCOUNTS)

SUBSCRIPTION = "subscription"
FAR = BOUGHT_AT + timedelta(days=3650)
"""When a subscription runs out that is still running while the test does."""
GAMES_OF_A_USER = 10
SUBSCRIBED_GAMES = 6


@dataclass(frozen=True, slots=True)
class Told:
    """One event, and the topic that it goes to."""

    topic: str
    event: Envelope


def envelope(
    event_type: str, *, about: str, subject: UUID, at: datetime, source: str, data: dict[str, Any]
) -> Envelope:
    """Return an event; `about` makes its id, so the same text is the same event."""
    return {
        "event_id": str(derived("event", about)),
        "event_type": event_type,
        "source": source,
        "subject": str(subject),
        "timestamp": at.isoformat(),
        "version": "1.0",
        "data_content_type": "application/json",
        "data": data,
    }


def refund(
    bought: Purchase, *, at: datetime, game: UUID | None = None, dlc: Sequence[UUID] = (), about: str = ""
) -> Told:
    """Return the refund of a purchase: of one game and DLC, or of everything that the transaction brought."""
    data: dict[str, Any] = {"user_id": str(bought.user), "transaction_id": bought.transaction_id}
    if game is not None:
        data["game_id"] = str(game)
    if dlc:
        data["dlc"] = [str(each) for each in dlc]
    return Told(
        PAYMENTS,
        envelope(
            "payment.purchase.refunded",
            about=f"refund {bought.about} {about}",
            subject=bought.user,
            at=at,
            source="payment-service",
            data=data,
        ),
    )


def subscription(
    user: UUID, name: str, *, status: str, games: Sequence[UUID], expires_at: datetime, at: datetime
) -> Told:
    """Return the whole new state of a subscription."""
    return Told(
        PAYMENTS,
        envelope(
            "payment.subscription.changed",
            about=f"subscription {user} {name} {at}",
            subject=user,
            at=at,
            source="payment-service",
            data={
                "user_id": str(user),
                "subscription_id": f"{name}-{user}",
                "status": status,
                "games": [str(game) for game in games],
                "expires_at": expires_at.isoformat(),
            },
        ),
    )


def download(kind: str, user: UUID, game: UUID, *, device: str, at: datetime, **members: Any) -> Told:
    """Return `download.game.<kind>` of one device."""
    return Told(
        DOWNLOADS,
        envelope(
            f"download.game.{kind}",
            about=f"download {kind} {user} {game} {device} {at}",
            subject=user,
            at=at,
            source="download-service",
            data={
                "user_id": str(user),
                "game_id": str(game),
                "device_id": device,
                "platform": "linux",
                **members,
            },
        ),
    )


def renamed(game: Game, name: str, *, at: datetime) -> Told:
    """Return the whole new state of a game in Catalog."""
    return Told(
        CATALOG,
        envelope(
            "catalog.game.updated",
            about=f"catalog {game.game_id} {at}",
            subject=game.game_id,
            at=at,
            source="catalog-service",
            data={
                "game_id": str(game.game_id),
                "name": name,
                "product_type": game.product_type,
                "platforms": ["linux", "windows"],
                "size_required": 1_000_000,
                "version": "1.1",
                "sharing_allowed": True,
                "cloud_saves_supported": True,
                "launch_options": [],
                "is_deleted": False,
            },
        ),
    )


def history(world: str, *, users: int, seed: int) -> Iterator[Told]:
    """Yield what happens to the users of a world, in the order of time; every world has the same, under ids of its own.

    Games that are bought, installed and refunded are none of those that subscriptions give: which games a library
    keeps as withdrawn after a subscription depends on whether its earlier states were ever seen.
    """
    chance = random.Random(seed)
    told: list[tuple[datetime, Told]] = []
    for number in range(users):
        user = derived("user", f"{world} {number}")
        told += _payments(world, number, user, chance)
        told += _subscriptions(number, user, chance)
    for number in range(users):
        game = games()[number]
        for step in range(2):
            at = BOUGHT_AT + timedelta(minutes=chance.randrange(5_000))
            told.append((at, renamed(game, f"{game.title} ({step + 1})", at=at)))
    told.sort(key=itemgetter(0))
    yield from (each for _, each in told)


def _payments(world: str, number: int, user: UUID, chance: random.Random) -> Iterator[tuple[datetime, Told]]:
    for choice in range(GAMES_OF_A_USER):
        base, dlc = games_with_dlc()[(number + choice) % len(games_with_dlc())]
        with_dlc = choice % 3 == 0
        at = BOUGHT_AT + timedelta(minutes=chance.randrange(1_000))
        bought = Purchase(
            about=f"{world}:{number}:{choice}",
            user=user,
            game=base.game_id,
            dlc=(dlc.game_id,) if with_dlc else (),
            purchase_type=chance.choice(("direct", "direct", "gift", "free")),
            price=Decimal(100 + choice),
            at=at,
        )
        yield at, Told(PAYMENTS, bought.event())
        if chance.random() < 0.2:
            again = bought.event(repetition=1)
            yield at + timedelta(minutes=1), Told(PAYMENTS, again)
        if chance.random() < 0.35:
            later = at + timedelta(minutes=chance.randrange(2, 500))
            partly = with_dlc and chance.random() < 0.5
            yield later, refund(bought, at=later, game=dlc.game_id if partly else None)
        yield from _downloads(user, bought.game, at, chance)


def _downloads(
    user: UUID, game: UUID, bought_at: datetime, chance: random.Random
) -> Iterator[tuple[datetime, Told]]:
    for device in ("desk", "deck")[: chance.randrange(3)]:
        at = bought_at
        for step in range(chance.randrange(1, 5)):
            at += timedelta(minutes=chance.randrange(1, 60))
            kind = ("progress", "installed", "progress", "uninstalled")[step]
            members: dict[str, Any] = {}
            if kind == "progress":
                members = {"status": "installing" if step == 0 else "updating", "progress": 10 * step}
            elif kind == "installed":
                members = {"install_path": f"/games/{game}", "version": "1.0", "size_installed": 5_000}
            yield at, download(kind, user, game, device=device, at=at, **members)


@cache
def _never_bought() -> Sequence[UUID]:
    """Return what subscriptions offer: see `history`."""
    bought = {base.game_id for base, _ in games_with_dlc()}
    return [game.game_id for game in games() if game.game_id not in bought]


def _subscriptions(number: int, user: UUID, chance: random.Random) -> Iterator[tuple[datetime, Told]]:
    offered = [_never_bought()[number + each] for each in range(2 * SUBSCRIBED_GAMES)]
    for name in ("plus", "pass")[: chance.randrange(3)]:
        at = BOUGHT_AT
        for _ in range(chance.randrange(1, 4)):
            at += timedelta(minutes=chance.randrange(1, 2_000))
            status = chance.choice(("active", "active", "cancelled", "expired"))
            expires_at = FAR if chance.random() < 0.7 else at + timedelta(minutes=5)
            yield (
                at,
                subscription(
                    user,
                    name,
                    status=status,
                    games=chance.sample(offered, SUBSCRIBED_GAMES),
                    expires_at=expires_at,
                    at=at,
                ),
            )
