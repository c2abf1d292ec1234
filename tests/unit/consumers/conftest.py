import pytest
from unit.consumers.house import House


@pytest.fixture
def house() -> House:
    return House()
