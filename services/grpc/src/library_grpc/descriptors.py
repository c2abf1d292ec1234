"""Google's descriptors of all that we serve, from the descriptor set that is committed with the generated code."""

from importlib import resources

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpclib.health.v1 import health_pb2

from library_grpc import _generated


def descriptor_pool() -> DescriptorPool:
    """Return a pool with our files, those that they import, and health."""
    committed = resources.files(_generated).joinpath("descriptors.binpb").read_bytes()
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(committed).file:  # each stands after those that it imports
        pool.Add(file)
    health = FileDescriptorProto()
    health_pb2.DESCRIPTOR.CopyToProto(health)
    pool.Add(health)
    return pool
