"""`library-consumers dlq` over the embedded broker, as a person and as a program would use it."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnsupportedVersionError
from fakes.clock import FakeClock

from library_adapters.configuration import load
from library_adapters.kafka import DeadLetters, KafkaSettings, Producer, Record, ensure_topics
from library_adapters.kafka.dead_letters import Failure
from library_consumers.__main__ import cli
from library_consumers.dead_letters import commands
from library_consumers.settings import TopicsSettings

_names = count(1)


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the commands without what a process sets up once for good: logs and signals."""

    def run(
        settings_type: type[TopicsSettings],
        body: Callable[[TopicsSettings, object], Coroutine[Any, Any, int]],
        **_: object,
    ) -> int:
        return asyncio.run(body(load(settings_type, environ=os.environ), None))

    monkeypatch.setattr(commands, "run", run)


@pytest.fixture
def topic(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a topic of the test's own, for this test the only one that is consumed."""
    name = f"dlq-commands-{next(_names)}"
    monkeypatch.setenv("LIBRARY_KAFKA__BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("LIBRARY_KAFKA__ENABLE_IDEMPOTENCE", "false")
    monkeypatch.setenv("LIBRARY_KAFKA__TOPICS__PARTITIONS", "4")
    monkeypatch.setenv("LIBRARY_KAFKA__TOPICS__REPLICATION_FACTOR", "1")
    monkeypatch.setenv("LIBRARY_KAFKA__TOPICS__MIN_INSYNC_REPLICAS", "1")
    monkeypatch.setattr(commands, "CONSUMED", (name,))
    asyncio.run(ensure_topics(settings(), consumed=[name]))
    return name


@pytest.fixture
def dlq(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = cli(["dlq", *arguments])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


def settings() -> KafkaSettings:
    return load(TopicsSettings, environ=os.environ).kafka


def bury(topic: str, *values: bytes, partition: int = 0, reason: str = "not_json", **record: Any) -> None:
    async def do() -> None:
        producer = Producer(settings())
        letters = DeadLetters(producer, clock=FakeClock())
        for offset, value in enumerate(values):
            whole = {"key": b"\xff", "headers": (("ce_id", b"1"),), **record}
            message = Record(
                topic=topic, partition=partition, offset=offset, timestamp_ms=0, value=value, **whole
            )
            failure = Failure(
                reason=reason, error=ValueError("so\x1b[31m bad\n"), attempts=1, group_id="group"
            )
            await letters.bury(message, failure)
        await producer.close()

    asyncio.run(do())


def place_of(dlq: Callable[..., Answer], topic: str, reason: str) -> str:
    (letter,) = dlq("list", topic, "--reason", reason, "--json").documents
    return str(letter["place"])


Dlq = Callable[..., Answer]


def test_a_list_is_for_people_and_counts_what_it_does_not_show(dlq: Dlq, topic: str) -> None:
    bury(topic, b"one", b"two", b"three")
    bury(topic, b"four", partition=1, reason="invalid_data")

    answer = dlq("list", "--limit", "2")

    *rows, summary = answer.out.splitlines()
    assert (answer.code, len(rows)) == (0, 2)
    assert all(topic in row and "not_json" in row for row in rows)
    assert "\x1b" not in answer.out
    assert r"so\x1b[31m bad\n" in rows[0]
    assert summary == "4 dead letters, the oldest 2 are shown: not_json 3, invalid_data 1"


def test_nothing_is_listed_in_so_many_words(dlq: Dlq, topic: str) -> None:
    assert dlq("list").out == "no dead letters\n"
    assert dlq("list", "--json").out == ""


def test_a_list_is_narrowed_by_reason_and_age(dlq: Dlq, topic: str) -> None:
    bury(topic, b"one")
    bury(topic, b"two", reason="invalid_data")

    by_reason = dlq("list", topic, "--reason", "invalid_data", "--json").documents
    both = dlq("list", topic, "--reason", "invalid_data", "--reason", "not_json", "--json").documents
    just_now = dlq("list", topic, "--since", "1h", "--json").documents
    in_no_time = dlq("list", topic, "--since", "0s", "--json").documents

    assert [each["reason"] for each in by_reason] == ["invalid_data"]
    assert [len(found) for found in (both, just_now, in_no_time)] == [2, 2, 0]


def test_one_is_shown_whole(dlq: Dlq, topic: str) -> None:
    bury(topic, b'{"event_id": "1"}', reason="document")
    bury(topic, b"\xff\xfe", reason="bytes", partition=2)

    document = dlq("show", topic, place_of(dlq, topic, "document"))
    raw = dlq("show", topic, place_of(dlq, topic, "bytes"), "--json")

    shown = json.loads(document.out)
    assert shown["value"] == {"event_id": "1"}
    assert shown["key_base64"] == "/w=="
    assert shown["headers"] == [{"name": "ce_id", "value": "1"}]
    assert (shown["from"]["partition"], shown["notes"]["group"]) == ("0", "group")
    assert raw.documents[0]["value_base64"] == "//4="


def test_what_is_not_there_is_said_to_be_absent(dlq: Dlq, topic: str) -> None:
    assert dlq("show", topic, "0/99").err == f"no dead letter at {topic} 0/99\n"
    answer = dlq("replay", topic, "0/99")
    assert (answer.code, answer.out, answer.err) == (
        1,
        f"0 replayed to {topic}\n",
        "no dead letter at 0/99\n",
    )


def test_named_ones_or_all_of_a_reason_are_replayed(dlq: Dlq, topic: str) -> None:
    bury(topic, b"one", reason="fixed")
    bury(topic, b"two", b"three")
    place = place_of(dlq, topic, "fixed")

    named = dlq("replay", topic, place)
    of_a_reason = dlq("replay", topic, "--all", "--reason", "not_json", "--json")
    everything = dlq("replay", topic, "--all")

    assert (named.code, named.out) == (0, f"1 replayed to {topic}\n")
    assert of_a_reason.documents == [
        {"topic": topic, "replayed": 2, "repeated": 0, "refused": {}, "absent": [], "interrupted": False}
    ]
    assert everything.out == f"3 replayed to {topic}\n"


def test_a_message_that_was_buried_again_is_replayed_once(dlq: Dlq, topic: str) -> None:
    bury(topic, b"one", b"two")
    bury(topic, b"one", b"two")

    answer = dlq("replay", topic, "--all")

    assert (answer.code, answer.out.splitlines()) == (
        0,
        [
            f"2 replayed to {topic}",
            "2 more were buried again after an earlier replay, and are not sent twice",
        ],
    )


def test_what_cannot_be_replayed_does_not_stop_the_rest(dlq: Dlq, topic: str) -> None:
    bury(topic, b"x" * 4 * 1024 * 1024, reason="oversized")
    bury(topic, b"good")

    answer = dlq("replay", topic, "--all")

    assert (answer.code, answer.out) == (1, f"1 replayed to {topic}\n")
    assert "cannot be replayed: 4194304 bytes were too large to be kept" in answer.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["replay", "TOPIC"], "name dead letters as PARTITION/OFFSET, or say --all"),
        (["replay", "TOPIC", "0/1", "--all"], "name dead letters as PARTITION/OFFSET, or say --all"),
        (["purge", "TOPIC"], "name the last to be deleted as PARTITION/OFFSET, or say --all"),
        (["purge", "TOPIC", "0/1", "0/2"], "name one offset for each partition"),
    ],
)
def test_a_contradiction_is_refused_before_anything_is_asked(
    dlq: Dlq, topic: str, arguments: list[str], complaint: str
) -> None:
    answer = dlq(*(topic if each == "TOPIC" else each for each in arguments))

    assert (answer.code, answer.err) == (1, f"{complaint}\n")


@pytest.mark.parametrize(
    "arguments", [["list", "imagined"], ["show", "TOPIC", "3"], ["list", "--limit", "0"]]
)
def test_a_wrong_argument_is_refused(dlq: Dlq, topic: str, arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        dlq(*(topic if each == "TOPIC" else each for each in arguments))


def test_a_purge_tells_first_and_deletes_on_a_word(
    dlq: Dlq, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(topic, b"one", b"two", b"three")
    asked: list[dict[Any, Any]] = []

    async def delete_records(_: object, wanted: dict[Any, Any]) -> None:
        asked.append(wanted)

    monkeypatch.setattr(AIOKafkaAdminClient, "delete_records", delete_records)
    letters = dlq("list", topic, "--json").documents
    second = str(letters[1]["place"])

    told = dlq("purge", topic, second)
    assert (told.code, asked) == (0, [])
    assert told.out == f"2 dead letters of {topic} would be deleted; say --yes to delete them\n"

    deleted = dlq("purge", topic, second, "--yes")
    assert (deleted.code, deleted.out) == (0, f"2 dead letters of {topic} deleted\n")
    assert dlq("purge", topic, "--all", "--yes", "--json").documents == [
        {"topic": topic, "letters": 3, "purged": True}
    ]
    assert [[each.before_offset for each in wanted.values()] for wanted in asked] == [[2], [3]]


def test_a_broker_that_does_not_delete_is_quoted(
    dlq: Dlq, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(topic, b"one")

    async def delete_records(*_: object) -> None:
        raise UnsupportedVersionError

    embedded = dlq("purge", topic, "--all", "--yes")
    monkeypatch.setattr(AIOKafkaAdminClient, "delete_records", delete_records)
    old = dlq("purge", topic, "--all", "--yes")

    for answer in (embedded, old):
        assert answer.code == 1
        assert "the broker does not delete records" in answer.err


def test_a_broker_that_is_away_is_named(
    dlq: Dlq, topic: str, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("LIBRARY_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{unused_tcp_port}")
    monkeypatch.setenv("LIBRARY_KAFKA__REQUEST_TIMEOUT_SECONDS", "0.5")

    assert dlq("list").err == "kafka does not answer\n"
    assert dlq("replay", topic, "--all", "--json").documents[0]["interrupted"] is True
