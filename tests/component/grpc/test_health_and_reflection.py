"""What is open to all: health for the balancer, reflection for tools (contract 5)."""

from contextlib import AsyncExitStack

import pytest
from component.grpc.conftest import Door, OpenDoor, refused
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.reflection.v1 import reflection_grpc as v1
from grpclib.reflection.v1 import reflection_pb2 as v1_messages
from grpclib.reflection.v1alpha import reflection_grpc as v1alpha
from grpclib.reflection.v1alpha import reflection_pb2 as v1alpha_messages

QUERIES = "library.v1.LibraryQueryService"
COMMANDS = "library.v1.LibraryCommandService"
EXAMPLES = "library.v1.LibraryService"
IMPORTED = ("library/v1/playtime.proto", "google/protobuf/timestamp.proto")
VERSIONS = [(v1, v1_messages), (v1alpha, v1alpha_messages)]


class TestHealth:
    @pytest.mark.parametrize("service", ["", QUERIES, COMMANDS, EXAMPLES])
    async def test_is_serving_for_everybody(self, door: Door, service: str) -> None:
        answer = await HealthStub(door.channel).Check(HealthCheckRequest(service=service), timeout=5)

        assert answer.status == HealthCheckResponse.SERVING

    async def test_does_not_know_other_services(self, door: Door) -> None:
        with pytest.raises(GRPCError) as raised:
            await HealthStub(door.channel).Check(HealthCheckRequest(service="other"), timeout=5)

        assert raised.value.status is Status.NOT_FOUND

    async def test_gives_its_refusals_a_code(self, door: Door) -> None:
        refusal = await refused(
            door.raw,
            "/grpc.health.v1.Health/Check",
            message=bytes(HealthCheckRequest(service="other").SerializeToString()),
        )

        assert refusal.trailers["error-code"] == "NOT_FOUND"


class TestReflection:
    @pytest.mark.parametrize(("stubs", "messages"), VERSIONS, ids=["v1", "v1alpha"])
    async def test_lists_the_services(self, door: Door, stubs: object, messages: object) -> None:
        request = messages.ServerReflectionRequest(list_services="")  # type: ignore[attr-defined]

        (answer,) = await stubs.ServerReflectionStub(door.channel).ServerReflectionInfo([request], timeout=5)  # type: ignore[attr-defined]

        names = {service.name for service in answer.list_services_response.service}
        assert names == {QUERIES, COMMANDS, EXAMPLES, "grpc.health.v1.Health"}

    @pytest.mark.parametrize(("stubs", "messages"), VERSIONS, ids=["v1", "v1alpha"])
    async def test_describes_every_listed_service_and_its_imports(
        self, door: Door, stubs: object, messages: object
    ) -> None:
        stub = stubs.ServerReflectionStub(door.channel)  # type: ignore[attr-defined]
        make = messages.ServerReflectionRequest  # type: ignore[attr-defined]
        symbols = [QUERIES, "library.v1.CheckGameOwnershipResponse", "grpc.health.v1.Health"]

        answers = await stub.ServerReflectionInfo(
            [
                *(make(file_containing_symbol=symbol) for symbol in symbols),
                *(make(file_by_filename=name) for name in IMPORTED),
            ],
            timeout=5,
        )

        files = [
            FileDescriptorProto.FromString(answer.file_descriptor_response.file_descriptor_proto[0])
            for answer in answers
        ]
        packages = [*["library.v1"] * 2, "grpc.health.v1", "library.v1", "google.protobuf"]
        assert [file.package for file in files] == packages
        methods = {method.name for method in files[0].service[0].method}
        assert methods == {
            "GetLibrary",
            "GetUserLibrary",
            "CheckGameAccess",
            "BatchCheckGameAccess",
            "CheckGameOwnership",
            "GetPlaytimeStats",
            "GetPlaytimeStatistics",
        }

    async def test_does_not_invent_symbols(self, door: Door) -> None:
        request = v1_messages.ServerReflectionRequest(file_containing_symbol="library.v1.Secrets")

        (answer,) = await v1.ServerReflectionStub(door.channel).ServerReflectionInfo([request], timeout=5)

        assert answer.error_response.error_code == Status.NOT_FOUND.value


class TestLimits:
    """What is open to all is bounded too: nobody needs a token to keep a stream open."""

    async def test_more_watches_than_fit_are_refused(self, open_door: OpenDoor) -> None:
        async with open_door(open_streams=2) as door, AsyncExitStack() as open_watches:
            for _ in range(2):
                watch = await open_watches.enter_async_context(HealthStub(door.channel).Watch.open(timeout=5))
                await watch.send_message(HealthCheckRequest(), end=True)
                await watch.recv_message()
                open_watches.push_async_callback(watch.cancel)

            with pytest.raises(GRPCError) as watching:
                async with HealthStub(door.channel).Watch.open(timeout=5) as third:
                    await third.send_message(HealthCheckRequest(), end=True)
                    await third.recv_message()
            with pytest.raises(GRPCError) as reflecting:
                request = v1_messages.ServerReflectionRequest(list_services="")
                await v1.ServerReflectionStub(door.channel).ServerReflectionInfo([request], timeout=5)
            answer = await HealthStub(door.channel).Check(HealthCheckRequest(), timeout=5)

            assert watching.value.status is reflecting.value.status is Status.UNAVAILABLE
            assert answer.status == HealthCheckResponse.SERVING

    async def test_a_check_that_never_asks_is_not_waited_for(self, open_door: OpenDoor) -> None:
        async with open_door(call_timeout_seconds=0.05) as door:
            refusal = await refused(door.raw, "/grpc.health.v1.Health/Check", frames=b"\0", end=False)

        assert (refusal.status, refusal.trailers["error-code"]) == (
            Status.DEADLINE_EXCEEDED,
            "REQUEST_TIMEOUT",
        )

    async def test_garbage_is_refused_as_elsewhere(self, door: Door) -> None:
        refusal = await refused(door.raw, "/grpc.health.v1.Health/Check", frames=b"\0\0\0\0\2\x0a\xff")

        assert (refusal.status, refusal.trailers["error-code"]) == (
            Status.INVALID_ARGUMENT,
            "VALIDATION_ERROR",
        )
