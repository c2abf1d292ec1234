"""docs/events says what the decoder takes and the publisher sends, no more and no less; both are tried on it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import jsonschema_rs
import pytest
import yaml
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from hypothesis import given
from hypothesis import strategies as st

from library_adapters.kafka import Poison
from library_adapters.postgres.encoding import envelope
from library_consumers.events.decoding import decode_data, decode_envelope
from library_consumers.events.routes import ROUTES, Route
from library_domain.library import events as library_events
from library_domain.playtime import events as playtime_events
from library_domain.shared.events import DomainEvent
from library_domain.shared.money import Money

EVENTS = Path(__file__).parents[2] / "docs/events"
CONSUMED = {event_type: route for routes in ROUTES.values() for event_type, route in routes.items()}
PUBLISHED = [
    fact
    for fact in (*vars(library_events).values(), *vars(playtime_events).values())
    if isinstance(fact, type) and issubclass(fact, DomainEvent) and fact.topic is not None
]

UUIDS = st.uuids()
TIMES = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside it
MONEY = st.builds(Money, st.decimals(0, 9_999_999_999, places=2), st.sampled_from(["RUB", "USD"]))
# What a mutation puts in the place of a value. Left out is what differs on purpose, see `test_differences_are_known`.
ODDITIES: list[Any] = [
    *(None, True, 0, -1, 1.5, 101, 2**31, 2**63, -0.5, 1e300),
    *(
        "",
        "x",
        "x" * 101,
        "x" * 256,
        "x" * 4_001,
        "a\x00b",
        "line\nend",
        "0",
        "-1",
        "1e2",
        "10.999",
        "rub",
        "EUR",
    ),
    *(
        "2.0",
        "1.9",
        "one",
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00:00+03:00",
        "installed",
        "windows",
    ),
    *("0198f5a2-6c1d-7a30-9a52-3f1f0c1d2e3b", [], ["x"], [None], {}, {"amount": 1, "currency": "RUB"}),
    *([str(UUID(int=n)) for n in range(1, 202)], [str(UUID(int=n)) for n in range(1, 5_002)]),
]


def example(event_type: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{event_type}.example.json").read_text())
    return document


def validator(event_type: str) -> Any:
    schema = json.loads((EVENTS / f"{event_type}.schema.json").read_text())
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def places(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value of a document, but for the document itself."""
    members = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in members:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


@st.composite
def mutations(draw: st.DrawFn, event_type: str) -> dict[str, Any]:
    """Draw an example of the event in which a few values are left out, replaced, or new."""
    document = example(event_type)
    ways = [way for way in places(document) if way != ("event_type",)]  # that one chooses the schema
    for way in draw(st.lists(st.sampled_from(ways), max_size=3)):
        oddity = deepcopy(draw(st.sampled_from(ODDITIES)))
        match draw(st.sampled_from(["remove", "replace", "add"])), parent_of(document, way):
            case _, None:
                continue  # an earlier mutation took it away
            case "remove", parent:
                del parent[way[-1]]
            case "replace", parent:
                parent[way[-1]] = oddity
            case _, dict() as parent:
                parent["unheard_of"] = oddity
    return document


def parent_of(document: Any, way: tuple[str | int, ...]) -> Any:
    """Return the object or list that the value is in; None when it is not there any more."""
    *before, last = way
    try:
        for step in before:
            document = document[step]
        document[last]
    except (KeyError, IndexError, TypeError):
        return None
    return document if isinstance(document, dict | list) else None


def decodes(document: Any, route: Route) -> bool:
    try:
        decode_data(decode_envelope(json.dumps(document).encode()), route.data)
    except Poison:
        return False
    return True


@pytest.mark.parametrize("event_type", CONSUMED)
def test_the_schema_takes_what_the_decoder_takes(event_type: str) -> None:
    schema, route = validator(event_type), CONSUMED[event_type]

    @given(mutations(event_type))
    def agree(document: dict[str, Any]) -> None:
        assert schema.is_valid(document) == decodes(document, route)

    assert decodes(example(event_type), route)
    agree()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("user_id", "0198f5a26c1d7a309a523f1f0c1d2e3b"),
        ("purchased_at", "2026-11-23 10:00:00Z"),
    ],
)
def test_differences_are_known(member: str, value: str) -> None:
    # The decoder bears spellings of an id and a time that no publisher is told of.
    document = example("payment.purchase.completed")
    document["data"][member] = value

    assert decodes(document, CONSUMED["payment.purchase.completed"])
    assert not validator("payment.purchase.completed").is_valid(document)


def drawn(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field of a fact."""
    if hint in (UUID, datetime, Money):
        return {UUID: UUIDS, datetime: TIMES, Money: MONEY}[hint]
    if isinstance(hint, UnionType):
        return st.one_of(*map(drawn, get_args(hint)))
    return st.from_type(hint)


@pytest.mark.parametrize("fact", PUBLISHED)
def test_whatever_we_publish_fits_its_schema(fact: type[DomainEvent]) -> None:
    schema = validator(str(fact.event_type))

    @given(facts(fact), UUIDS)
    def fits(event: DomainEvent, event_id: UUID) -> None:
        published = json.loads(envelope(event, event_id=event_id, revision=1, n=0))
        schema.validate(published)

    schema.validate(example(str(fact.event_type)))
    fits()


def facts(fact: type[DomainEvent]) -> st.SearchStrategy[DomainEvent]:
    """Return facts of a kind, about a game, with whatever their types allow."""
    known = {"user_id": UUIDS, "game_id": UUIDS, "occurred_at": TIMES}
    members = {
        name: drawn(hint) for name, hint in get_type_hints(fact).items() if name not in {*known, *CLASS_WIDE}
    }
    return st.builds(fact, **known | members)


CLASS_WIDE = {"action", "event_type", "topic", "is_change", "has_own_record"}


def test_examples_and_schemas_belong_to_an_event_of_ours() -> None:
    known = {*CONSUMED, *(str(fact.event_type) for fact in PUBLISHED)}

    for kind in ("schema", "example"):
        assert {path.name.removesuffix(f".{kind}.json") for path in EVENTS.glob(f"*.{kind}.json")} == known


def test_the_asyncapi_document_is_one_and_its_references_lead_somewhere() -> None:
    document = yaml.safe_load((EVENTS / "asyncapi.yaml").read_text())

    ApplicationSchema.model_validate(document)
    for way in places(document):
        if way[-1] != "$ref":
            continue
        target: Any = document
        for step in way:
            target = target[step]
        assert found(document, target), target


def found(document: Any, reference: str) -> bool:
    if not reference.startswith("#/"):
        return (EVENTS / reference).exists()
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return True
