"""Support looks at another user's library (contract; details 1.9, 1.14)."""

import pytest
from builders import user_id
from fakes.accounts import FakeAccounts
from fakes.clock import FakeClock, SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork

from library_domain.library.use_cases.list_users_library import ListUsersLibrary, ListUsersLibraryHandler
from library_domain.shared.errors import UserNotFound
from library_domain.shared.looks import Looks

ALICE, SUE = user_id("alice"), user_id("sue")


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
def look(
    store: Store, accounts: FakeAccounts, clock: FakeClock, ids: SequentialIds
) -> ListUsersLibraryHandler:
    uow = FakeUnitOfWork(store, clock=clock, ids=ids)
    looks = Looks(accounts=accounts, uow=uow, clock=clock)
    return ListUsersLibraryHandler(reader=FakeLibraryReader(store), looks=looks, clock=clock)


async def test_who_is_unknown_is_not_found_and_nothing_was_seen(
    look: ListUsersLibraryHandler, store: Store, accounts: FakeAccounts
) -> None:
    accounts.unknown.add(ALICE)

    with pytest.raises(UserNotFound):
        await look(ListUsersLibrary(user_id=ALICE, asked_by=SUE))

    assert store.audit == []


async def test_support_is_served_while_account_is_away(
    look: ListUsersLibraryHandler, store: Store, accounts: FakeAccounts
) -> None:
    accounts.away = True

    page = await look(ListUsersLibrary(user_id=ALICE, asked_by=SUE))

    assert page.total == 0
    assert [row["action"] for row in store.audit] == ["read_other"]


async def test_nobody_is_asked_about_who_asks(look: ListUsersLibraryHandler, accounts: FakeAccounts) -> None:
    await look(ListUsersLibrary(user_id=SUE, asked_by=SUE))

    assert accounts.questions == []
