"""The stand-ins as one process: `python -m library_devstack.standins STATE [DATA]`.

STATE is the stack's state directory, which holds the ports and the client's secret; DATA is the directory of the
public data when Catalog shall know all of it instead of the project's own sample. SIGTERM ends it.
"""

import asyncio
import signal
import sys
from pathlib import Path

from grpclib.const import Status
from grpclib.events import RecvRequest, listen
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from library_devstack.sample import Dataset
from library_devstack.sample.assemble import assemble
from library_devstack.sample.dataset import player_id
from library_devstack.stack.standins import CLIENT_ID, Addresses
from library_devstack.stack.state import LOOPBACK, State
from library_devstack.standins import issuer
from library_devstack.standins.account import AccountStandIn
from library_devstack.standins.catalog import CatalogStandIn


async def main(state: State, data: Path | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    addresses = Addresses(state)
    signer = issuer.issuer_of(state)
    dataset = Dataset.read() if data is None else assemble(data)

    catalog = _server(CatalogStandIn(dataset.games.values()), signer)
    account = _server(AccountStandIn(player_id(player) for player in dataset.libraries), signer)
    await catalog.start(LOOPBACK, addresses.catalog_port)
    await account.start(LOOPBACK, addresses.account_port)
    # Last, for its /health speaks for all three.
    clients = {CLIENT_ID: addresses.client_secret}
    with issuer.serve(signer, port=addresses.issuer_port, clients=clients):
        await stopped.wait()
    for server in (catalog, account):
        server.close()
        await server.wait_closed()


def _server(service: CatalogStandIn | AccountStandIn, signer: issuer.Issuer) -> Server:
    async def require_system(event: RecvRequest) -> None:
        scheme, _, token = str(event.metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not signer.is_system(token):
            raise GRPCError(Status.UNAUTHENTICATED, "a token with the role system is needed")

    server = Server([service])
    listen(server, RecvRequest, require_system)
    return server


if __name__ == "__main__":
    asyncio.run(main(State(Path(sys.argv[1])), Path(sys.argv[2]) if len(sys.argv) > 2 else None))  # noqa: PLR2004
