"""Server reflection (v1 and v1alpha): what tools such as grpcurl ask first.

grpclib answers it from google's descriptors, which betterproto2 does not make, so they are committed with the
generated code as a descriptor set.
"""

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpclib.health.v1 import health_pb2
from grpclib.reflection.service import ServerReflection

from library_grpc import _generated


def with_reflection(services: Iterable[Any]) -> list[Any]:
    """Return the services and, after them, reflection that tells of each."""
    pool = DescriptorPool()
    for file in _files():
        pool.Add(file)
    return list(ServerReflection.extend(list(services), pool=pool))


def _files() -> Iterator[FileDescriptorProto]:
    """Yield the files of every service, each after those that it imports."""
    committed = resources.files(_generated).joinpath("descriptors.binpb").read_bytes()
    yield from FileDescriptorSet.FromString(committed).file
    health = FileDescriptorProto()
    health_pb2.DESCRIPTOR.CopyToProto(health)
    yield health
