"""The embedded stack: real servers from wheels on free loopback ports, without root and without Docker."""

from library_devstack.stack.component import Component
from library_devstack.stack.errors import ComponentFailed, NotHealthy, PortTaken, StackError, StateLocked
from library_devstack.stack.postgres import Postgres
from library_devstack.stack.stack import Stack

__all__ = [
    "Component",
    "ComponentFailed",
    "NotHealthy",
    "PortTaken",
    "Postgres",
    "Stack",
    "StackError",
    "StateLocked",
]
