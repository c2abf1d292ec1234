"""The rules need no network, not even loopback."""

import pytest


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """Refuse every socket; see pytest-socket."""
