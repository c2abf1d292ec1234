"""How sessions live and end (contract 4.2; data 6 to 8; details 3.8), over the real database and a clock of our own."""

from datetime import UTC, datetime

import pytest
from builders import game_id
from component.api.door import LIBRARY, data, refusal
from component.api.playing import ABSENT, DEVICE, ENDS, GAME, PLAYTIME, House, Player, beginning


class TestHeartbeat:
    async def test_tells_what_is_counted(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=60)

        assert data(await alice.beat(session)) == {
            "session_id": session,
            "status": "active",
            "next_heartbeat_in_seconds": 60,
            "played_seconds": 60,
        }

    async def test_waits_with_counting_until_somebody_is_there(self, alice: Player) -> None:
        session = await alice.session()
        shown = []
        for idle in (0, 60, 120, 0):
            alice.wait(seconds=60)
            shown.append(data(await alice.beat(session, idle_seconds=idle))["played_seconds"])

        assert shown == [60, 60, 60, 240]

    async def test_shows_who_is_away(self, alice: Player) -> None:
        session = await alice.session()
        statuses = []
        for minute in range(1, 13):
            alice.wait(seconds=60)
            statuses.append(data(await alice.beat(session, idle_seconds=60 * minute))["status"])
        alice.wait(seconds=60)
        back = data(await alice.beat(session))

        assert statuses == ["active"] * 10 + ["afk"] * 2
        assert (back["status"], back["played_seconds"]) == ("active", 0)

    async def test_does_not_count_sleep(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=100)

        assert data(await alice.beat(session, suspended_seconds=40))["played_seconds"] == 60

    @pytest.mark.parametrize("seconds", [10**9, 2**31 - 1])
    async def test_takes_no_more_idle_time_than_there_was(self, alice: Player, seconds: int) -> None:
        session = await alice.session()
        alice.wait(seconds=60)

        shown = data(await alice.beat(session, idle_seconds=seconds, suspended_seconds=seconds))

        assert shown["played_seconds"] == 0
        assert data(await alice.end(session))["suspended_seconds"] == 60

    async def test_comes_too_late_after_the_silence(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=60)
        await alice.beat(session)
        alice.wait(seconds=181)

        refused = [refusal(await alice.beat(session)) for _ in range(2)]

        assert refused[0] == refused[1]
        assert refused[0] == (
            409,
            "SESSION_ENDED",
            {
                "session_id": session,
                "reason": "timeout",
                "end_time": "2026-11-23T12:01:00Z",
                "duration_seconds": 60,
                "afk_seconds": 0,
                "suspended_seconds": 0,
                "total_playtime_seconds": 60,
            },
        )
        assert data(await alice.end(session))["end_reason"] == "timeout"

    async def test_of_an_ended_session_tells_how_it_ended(self, alice: Player) -> None:
        session = await alice.session()
        await alice.end(session)

        assert refusal(await alice.beat(session))[2]["reason"] == "client"

    @pytest.mark.parametrize("whose", ["another's", "nobody's"])
    async def test_of_anothers_session_is_not_found(self, alice: Player, home: House, whose: str) -> None:
        session = await alice.session() if whose == "another's" else ABSENT
        bob = home.player("bob")

        assert refusal(await bob.beat(session)) == (404, "SESSION_NOT_FOUND", {"session_id": session})

    async def test_does_not_look_at_a_key(self, alice: Player) -> None:
        session = await alice.session()
        answers = []
        for _ in range(2):
            alice.wait(seconds=60)
            body = {"session_id": session}
            answers.append(data(await alice.post(f"{PLAYTIME}/heartbeat", body, Idempotency_Key="key")))

        assert [each["played_seconds"] for each in answers] == [60, 120]

    async def test_leaves_no_trace_but_the_session(self, alice: Player, home: House) -> None:
        session = await alice.session()
        count = (
            "SELECT (SELECT revision FROM user_revisions) AS revision,"
            " (SELECT count(*) FROM library_audit_log) AS audit, (SELECT count(*) FROM outbox) AS outbox"
        )
        before = await home.rows(count)

        alice.wait(seconds=60)
        data(await alice.beat(session))

        assert await home.rows(count) == before


class TestEnd:
    @pytest.mark.parametrize("path", ENDS)
    async def test_tells_what_was_counted(self, alice: Player, path: str) -> None:
        session = await alice.session()
        for idle in (0, 30):
            alice.wait(seconds=60)
            await alice.beat(session, idle_seconds=idle, suspended_seconds=10)

        body = {"session_id": session, "client_timestamp": "2026-11-23T10:00:00Z", "client_id": DEVICE}
        response = await alice.post(path, body)

        assert data(response) == {
            "session_id": session,
            "game_id": str(GAME),
            "start_time": "2026-11-23T12:00:00Z",
            "end_time": "2026-11-23T12:02:00Z",
            "status": "completed",
            "end_reason": "client",
            "duration_seconds": 100,
            "afk_seconds": 0,
            "suspended_seconds": 20,
            "total_playtime_seconds": 100,
        }

    async def test_again_answers_the_same(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=60)
        first = await alice.end(session)
        alice.wait(hours=1)
        await alice.play(1)

        again = await alice.end(session)

        assert again.content == first.content

    async def test_counts_the_silence_before_it(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=180)

        assert data(await alice.end(session))["duration_seconds"] == 180

    async def test_counts_no_silence_that_was_too_long(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=181)

        ended = data(await alice.end(session))

        assert (ended["end_reason"], ended["duration_seconds"]) == ("timeout", 0)

    async def test_adds_to_the_game(self, alice: Player) -> None:
        totals = [(await alice.play(minutes))["total_playtime_seconds"] for minutes in (1, 2, 3)]

        item = data(await alice.get(f"{LIBRARY}/{GAME}"))
        assert totals == [60, 180, 360]
        assert (item["total_playtime_seconds"], item["last_played_at"]) == (360, "2026-11-23T12:06:00Z")

    @pytest.mark.parametrize("whose", ["another's", "nobody's"])
    @pytest.mark.parametrize("path", ENDS)
    async def test_of_anothers_session_is_not_found(
        self, alice: Player, home: House, path: str, whose: str
    ) -> None:
        session = await alice.session() if whose == "another's" else ABSENT
        await home.give("Portal 2", to="bob")
        bob = home.player("bob")

        refused = refusal(await bob.post(path, {"session_id": session}))

        assert refused == (404, "SESSION_NOT_FOUND", {"session_id": session})
        assert (await alice.sessions("active=true"))["total"] == (whose == "another's")

    @pytest.mark.parametrize("is_ended", [True, False])
    async def test_of_another_games_session_is_not_found(self, alice: Player, is_ended: bool) -> None:
        session = await alice.session()
        if is_ended:
            await alice.end(session)

        response = await alice.post(
            f"{LIBRARY}/games/{game_id('Braid')}/session/end", {"session_id": session}
        )

        assert refusal(response)[:2] == (404, "SESSION_NOT_FOUND")


class TestKeys:
    """Idempotency-Key on start and end: one effect, one answer (data 11)."""

    async def test_a_start_is_replayed_and_begins_once(self, alice: Player) -> None:
        answers = [
            await alice.post(f"{PLAYTIME}/start", beginning(f"{PLAYTIME}/start"), Idempotency_Key="key")
            for _ in range(2)
        ]

        assert answers[0].content == answers[1].content
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert not data(answers[1])["resumed"]

    async def test_an_end_is_replayed_and_counts_once(self, alice: Player) -> None:
        session = await alice.session()
        alice.wait(seconds=60)

        answers = [
            await alice.post(f"{PLAYTIME}/end", {"session_id": session}, Idempotency_Key="key")
            for _ in range(2)
        ]

        assert answers[0].content == answers[1].content
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert data(await alice.get(f"{LIBRARY}/{GAME}"))["total_playtime_seconds"] == 60

    async def test_a_refused_start_leaves_the_key_free(self, alice: Player) -> None:
        session = await alice.session(device="laptop")
        path = f"{PLAYTIME}/start"
        refused = await alice.post(path, beginning(path), Idempotency_Key="key")
        await alice.end(session)

        taken = await alice.post(path, beginning(path), Idempotency_Key="key")

        assert refusal(refused)[1] == "SESSION_ALREADY_ACTIVE"
        assert data(taken)["device_id"] == DEVICE


async def test_what_a_player_does_is_not_audited_twice(alice: Player, home: House) -> None:
    """A session's record is its own audit (data 8); its events are published."""
    await alice.play(1)

    actions = await home.rows("SELECT DISTINCT action FROM library_audit_log")
    published = await home.rows(
        "SELECT type FROM outbox WHERE aggregatetype = 'playtime-events' ORDER BY revision, n"
    )

    assert {row["action"] for row in actions}.isdisjoint({"start_session", "end_session", "update_playtime"})
    assert [row["type"] for row in published] == [
        "library.session.started",
        "library.session.ended",
        "library.playtime.updated",
    ]


async def test_midnight_divides_what_was_played(alice: Player) -> None:
    alice.wait(hours=11, minutes=59)
    session = await alice.session()
    for _ in range(3):
        alice.wait(seconds=60)
        await alice.beat(session)
    await alice.end(session)

    stats = data(await alice.get(f"{PLAYTIME}/stats"))

    assert [
        (each["period"], each["total_playtime_seconds"], each["sessions_count"]) for each in stats["periods"]
    ] == [("2026-11-23", 60, 1), ("2026-11-24", 120, 0)]
    assert alice.world.clock.now() == datetime(2026, 11, 24, 0, 2, tzinfo=UTC)
