"""Everything that one user's library shows beside everything that it is made of, to compare the two (reliability I1 to I3)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from library_domain.catalog.model import Platform, ProductType
from library_domain.library.model.entry import LibraryEntry
from library_domain.library.model.installation import GameInstallations, InstallationStatus
from library_domain.library.model.rights import best, shown
from library_domain.shared.discrepancy import Difference, Discrepancy, told
from library_domain.shared.ids import GameId, UserId

LATE = timedelta(minutes=10)
"""What ran out is withdrawn by a job at once and by the sweeper within its passes; later than that it is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationSummary:
    """What an entry shows of its devices."""

    installation_status: InstallationStatus = InstallationStatus.NOT_INSTALLED
    install_device_id: str | None = None
    platform: Platform | None = None
    install_event_at: datetime | None = None

    @classmethod
    def of(cls, installations: GameInstallations) -> "InstallationSummary":
        """Return what the devices come to."""
        device = installations.best
        if device is None:
            return cls(installation_status=installations.status)
        return cls(
            installation_status=installations.status,
            install_device_id=device.device_id,
            platform=device.platform,
            install_event_at=device.installed_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One user's library at one moment, read as a whole."""

    user_id: UserId
    revision: int
    entries: Mapping[GameId, LibraryEntry]
    kinds: Mapping[GameId, ProductType]
    """What each entry's product is, as lists see it."""
    revisions: Mapping[GameId, int]
    """By which revision each entry was last changed."""
    granted: frozenset[GameId]
    """Products that there is any right to."""
    summaries: Mapping[GameId, InstallationSummary]
    installations: Mapping[GameId, GameInstallations]
    listed: int
    """How many games the list says there are, hidden ones among them."""


def discrepancies(shelf: Shelf, now: datetime) -> Iterator[Discrepancy]:
    """Yield every difference between what the library shows and what it is made of."""
    yield from told(
        shelf.user_id,
        (
            *_missing(shelf),
            *_wrong_rights(shelf, now),
            *_wrong_installations(shelf),
            *_wrong_figures(shelf, now),
        ),
    )


def _missing(shelf: Shelf) -> Iterator[Difference]:
    for game_id in sorted(shelf.granted - shelf.entries.keys()):
        yield game_id, "entry", None, "a right"
    for game_id in sorted(shelf.installations.keys() - shelf.entries.keys()):
        yield game_id, "entry", None, "an installation"


def _wrong_rights(shelf: Shelf, now: datetime) -> Iterator[Difference]:
    for game_id, entry in sorted(shelf.entries.items()):
        if not entry.grants:
            yield game_id, "rights", "an entry", None
        elif entry.shown_until is not None and entry.shown_until <= now:
            # It is about to be withdrawn, and nothing else can be said of it.
            if entry.shown_until <= now - LATE:
                yield game_id, "shown_until", entry.shown_until, "withdrawn by now"
        else:
            yield from _differing(game_id, asdict(shown(entry.grants, now)), entry)


def _wrong_installations(shelf: Shelf) -> Iterator[Difference]:
    for game_id, summary in sorted(shelf.summaries.items(), key=lambda each: each[0]):
        none = GameInstallations(user_id=shelf.user_id, game_id=game_id)
        right = InstallationSummary.of(shelf.installations.get(game_id, none))
        yield from _differing(game_id, asdict(right), summary)


def _wrong_figures(shelf: Shelf, now: datetime) -> Iterator[Difference]:
    for game_id, revision in sorted(shelf.revisions.items()):
        if revision > shelf.revision:
            yield game_id, "revision", revision, f"at most {shelf.revision}"
    held = sum(
        best(entry.grants, now) is not None and shelf.kinds[game_id] is not ProductType.DLC
        for game_id, entry in shelf.entries.items()
    )
    if shelf.listed != held:
        yield None, "total", shelf.listed, held


def _differing(game_id: GameId, right: Mapping[str, object], shown_by: object) -> Iterator[Difference]:
    for member, value in right.items():
        if (is_shown := getattr(shown_by, member)) != value:
            yield game_id, member, is_shown, value
