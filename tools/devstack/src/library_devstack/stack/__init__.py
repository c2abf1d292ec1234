"""The embedded stack: real servers from wheels on free loopback ports, without root and without Docker."""

from library_devstack.stack.component import Component
from library_devstack.stack.errors import ComponentFailed, NotHealthy, PortTaken, StackError, StateLocked
from library_devstack.stack.kafka import Kafka
from library_devstack.stack.postgres import Postgres
from library_devstack.stack.redis import Redis
from library_devstack.stack.s3 import S3
from library_devstack.stack.stack import Stack
from library_devstack.stack.standins import Standins

__all__ = [
    "S3",
    "Component",
    "ComponentFailed",
    "Kafka",
    "NotHealthy",
    "PortTaken",
    "Postgres",
    "Redis",
    "Stack",
    "StackError",
    "Standins",
    "StateLocked",
]
