"""The page of our gRPC services, from their descriptors, and of the refusals, from the door's table."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from grpclib.const import Status

from library_domain.shared.access import MATRIX
from library_grpc.doorkeeper import operation_of
from library_grpc.errors import STATUS

ROOT = Path(__file__).parents[2]
COMPILE_SECONDS = 60
HEAD = """\
# gRPC

<!-- Made by `make generate` from the protos; not written by hand. -->

For the platform's own services, inside its network. Every method and most messages below are in
[`library.proto`](../../proto/library/v1/library.proto), those of sessions and playtime in
[`playtime.proto`](../../proto/library/v1/playtime.proto); `grpcurl -plaintext "$GRPC_ADDRESS" list` asks the service itself.

| | |
| --- | --- |
| who | tokens of the role `system`, as `authorization: Bearer …`; the request names the user. Health (`grpc.health.v1`) and reflection (`v1`, `v1alpha`) are open to all |
| request id | `x-request-id`, the caller's own if it is 1 to 128 of `[A-Za-z0-9._-]`; every refusal names it |
| trace | `traceparent` and `tracestate` are continued |
| deadline | nothing is begun after it, and the database works no longer than it. Without one a call has `grpc.call_timeout_seconds` |
| limits | a message has at most `grpc.max_message_bytes`, either way; compressed ones are not taken. So many calls at a time as `grpc.calls_in_flight` |
| connections | at the age of `grpc.connection_age_seconds`, and when the process stops, GOAWAY asks for a new one; calls in progress are finished. Clients that balance over all addresses of the name spread over new processes by that |
| retries | every method may be repeated; `retry-after` (seconds) comes where waiting helps |
| sessions | the rules of REST, and its codes; a session that is begun here lives by the heartbeats that its player sends over REST |

## Refusals

A call that is refused has a status, a text for people, and for programs `error-code`, the code that REST has too, and
`error-details`, a JSON object that names the field, in its trailing metadata.

| status | when | `error-code` |
| --- | --- | --- |
"""
REFUSED: dict[Status, tuple[str, str]] = {
    Status.INVALID_ARGUMENT: (
        "an id, a word or a number is wrong; the bytes are no request",
        "VALIDATION_ERROR",
    ),
    Status.UNAUTHENTICATED: ("there is no valid token", "UNAUTHORIZED"),
    Status.PERMISSION_DENIED: (
        "the token is not of the role `system`; the user may not play the game now, and `reason` says why",
        "FORBIDDEN",
    ),
    Status.NOT_FOUND: (
        "what is to change is not there; health: no such service. Questions are answered for games and users that nobody knows",
        "GAME_NOT_FOUND, SESSION_NOT_FOUND, NOT_FOUND",
    ),
    Status.FAILED_PRECONDITION: (
        "the user plays the game on another device; somebody else plays this copy",
        "SESSION_ALREADY_ACTIVE, GAME_IN_USE",
    ),
    Status.UNIMPLEMENTED: (
        "no such method; a message is compressed",
        "UNIMPLEMENTED, UNSUPPORTED_MEDIA_TYPE",
    ),
    Status.RESOURCE_EXHAUSTED: ("the request or its answer is too long", "PAYLOAD_TOO_LARGE"),
    Status.DEADLINE_EXCEEDED: ("the caller's time, or ours, is over", "REQUEST_TIMEOUT"),
    Status.UNAVAILABLE: (
        "a dependency does not answer; too many calls; the process stops",
        "DEPENDENCY_UNAVAILABLE, UNAVAILABLE",
    ),
    Status.INTERNAL: ("a bug of ours", "INTERNAL_ERROR"),
}
_MESSAGES, _SERVICES = 4, 6
"""Numbers of FileDescriptorProto's fields: the paths of comments are made of such (descriptor.proto)."""
_MEMBERS = 2
"""Of a message its fields, of a service its methods."""
_KINDS = FieldDescriptorProto.Type


def page() -> str:
    """Return the page as Markdown. Raises ValueError when the door refuses with a status that the page does not tell of."""
    if untold := {*STATUS.values()} - REFUSED.keys():
        raise ValueError(f"REFUSED does not tell of {untold}")
    files = _described()
    rows = "".join(f"| `{status.name}` | {when} | {codes} |\n" for status, (when, codes) in REFUSED.items())
    parts = [
        *chain.from_iterable(map(_services, files)),
        "## Messages\n",
        *chain.from_iterable(map(_messages, files)),
    ]
    return HEAD + rows + "\n" + "\n".join(parts)


def _described() -> list[FileDescriptorProto]:
    """Return the descriptors of our protos with their comments, which the committed set has not."""
    protos = sorted((ROOT / "proto/library/v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "set.binpb"
        subprocess.run(
            [
                Path(sys.executable).parent / "protoc",
                f"--proto_path={ROOT / 'proto'}",
                "--include_source_info",
                f"--descriptor_set_out={out}",
                *protos,
            ],
            check=True,
            timeout=COMPILE_SECONDS,
        )
        return sorted(FileDescriptorSet.FromString(out.read_bytes()).file, key=lambda file: file.name)


def _notes(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """Return the comments by the paths of what they stand before."""
    return {tuple(each.path): each.leading_comments.strip() for each in file.source_code_info.location}


def _services(file: FileDescriptorProto) -> Iterator[str]:
    notes = _notes(file)
    for number, service in enumerate(file.service):
        here = (_SERVICES, number)
        yield f"## {service.name}\n\n{_prose(notes[here])}\n"
        yield "| method | request | answer | roles | |\n| --- | --- | --- | --- | --- |"
        for place, method in enumerate(service.method):
            yield _method(method, _prose(notes[*here, _MEMBERS, place]))
        yield ""


def _method(method: MethodDescriptorProto, note: str) -> str:
    roles = ", ".join(sorted(MATRIX[operation_of(method.name)].roles))
    request, answer = (_link(name) for name in (method.input_type, method.output_type))
    return f"| `{method.name}` | {request} | {answer} | {roles} | {note} |"


def _messages(file: FileDescriptorProto) -> Iterator[str]:
    notes = _notes(file)
    for number, message in enumerate(file.message_type):
        here = (_MESSAGES, number)
        yield f"### {message.name}\n"
        if note := notes.get(here):
            yield f"{_prose(note)}\n"
        yield "| field | number | type | |\n| --- | --- | --- | --- |"
        for place, member in enumerate(message.field):
            yield _field(member, _prose(notes.get((*here, _MEMBERS, place), "")))
        yield ""


def _field(member: FieldDescriptorProto, note: str) -> str:
    kind = (
        _link(member.type_name)
        if member.type_name
        else _KINDS.Name(member.type).removeprefix("TYPE_").lower()
    )
    if member.label == FieldDescriptorProto.LABEL_REPEATED:
        kind = f"repeated {kind}"
    return f"| `{member.name}` | {member.number} | {kind} | {note} |"


def _link(type_name: str) -> str:
    name = type_name.rpartition(".")[2]
    return f"[{name}](#{name.lower()})" if type_name.startswith(".library.") else type_name.removeprefix(".")


def _prose(comment: str) -> str:
    """Return a comment in one line, without what is said to the linter."""
    lines = (line.strip() for line in comment.splitlines())
    return " ".join(line for line in lines if not line.startswith("buf:")).replace("|", "\\|")
