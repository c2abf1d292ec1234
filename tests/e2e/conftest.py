"""One house for all journeys: each has users of its own, so none sees another. It ends with the last of them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from e2e.collector import Collector, collecting
from e2e.doors import Grpc, Payments, Rest, Tail
from e2e.house import House, open_house
from library_devstack.events import LIBRARY_EVENTS
from library_domain.shared.events import PLAYTIME_EVENTS


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="package")
async def house(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[House]:
    settings = {"LIBRARY_TRACING__ENDPOINT": collector.url}
    async with open_house(tmp_path_factory.mktemp("house"), settings=settings) as house:
        yield house


@pytest.fixture(scope="package")
async def rest(house: House) -> Rest:
    return await house.rest()


@pytest.fixture(scope="package")
async def grpc(house: House) -> Grpc:
    return await house.grpc()


@pytest.fixture(scope="package")
async def payments(house: House) -> Payments:
    return await house.payments()


@pytest.fixture(scope="package")
async def announced(house: House) -> Tail:
    return await house.tail(LIBRARY_EVENTS)


@pytest.fixture(scope="package")
async def played(house: House) -> Tail:
    return await house.tail(PLAYTIME_EVENTS)
