"""What a library can be asked for."""

import pytest
from builders import game_id

from library_domain.library.model import InstallationStatus
from library_domain.library.queries import Collection, Hidden, LibraryFilter
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.paging import Page, Position

PLAYABLE = frozenset({InstallationStatus.INSTALLED, InstallationStatus.UPDATING})


@pytest.mark.parametrize("q", ["", "   ", "x" * 101])
def test_a_search_says_something_and_not_too_much(q: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        LibraryFilter(q=q)

    assert refused.value.details["field"] == "q"


def test_conditions_on_the_installation_must_all_hold() -> None:
    assert LibraryFilter().statuses is None
    assert LibraryFilter(installed=True).statuses == PLAYABLE
    assert LibraryFilter(installed=False).statuses == frozenset(InstallationStatus) - PLAYABLE
    assert (
        LibraryFilter(installed=True, installation_statuses=frozenset({InstallationStatus.FAILED})).statuses
        == frozenset()
    )
    assert LibraryFilter(installed=False, collection=Collection.INSTALLED).statuses == frozenset()


def test_hidden_games_are_shown_only_when_asked_for() -> None:
    assert LibraryFilter().is_hidden is False
    assert LibraryFilter(hidden=Hidden.INCLUDED).is_hidden is None
    assert LibraryFilter(hidden=Hidden.ONLY).is_hidden is True
    assert LibraryFilter(collection=Collection.HIDDEN).is_hidden is True
    assert LibraryFilter(collection=Collection.FAVORITES).is_hidden is False


def test_a_page_is_behind_a_position_or_after_an_offset() -> None:
    with pytest.raises(ValidationFailed) as refused:
        Page(offset=1, after=Position(key="portal", id=game_id("Portal 2")))

    assert refused.value.details["field"] == "offset"
