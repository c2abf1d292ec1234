from itertools import count

import pytest

from library_domain.shared.errors import DependencyUnavailable
from library_sweeper.sweep import Batch, Deadline, sweep


def batches(*sizes: int, full: int = 10) -> Batch:
    """Make a task whose batches deal with so many records; a batch that is not full is the last."""
    left = list(sizes)

    async def batch() -> tuple[int, bool]:
        done = left.pop(0)
        return done, done == full

    return batch


def never() -> Deadline:
    return Deadline(1, clock=lambda: 0.0)


async def test_works_until_a_batch_is_not_full() -> None:
    report = await sweep({"inbox": batches(10, 10, 3)}, deadline=never())

    assert report.done == {"inbox": 23}
    assert (report.failed, report.unfinished) == ([], [])


async def test_stops_at_the_deadline_and_says_what_is_left() -> None:
    ticks = count()
    deadline = Deadline(2, clock=lambda: float(next(ticks)))

    report = await sweep({"inbox": batches(10, 10, 10, 10), "outbox": batches(1)}, deadline=deadline)

    assert report.done == {"inbox": 10, "outbox": 0}
    assert report.unfinished == ["inbox", "outbox"]
    assert report.without_turn == ["outbox"]


@pytest.mark.parametrize("error", [DependencyUnavailable("postgres"), ValueError("a bug")])
async def test_goes_on_with_the_next_task_when_one_fails(error: Exception) -> None:
    async def fails() -> tuple[int, bool]:
        raise error

    report = await sweep({"partitions": fails, "inbox": batches(1)}, deadline=never())

    assert report.failed == ["partitions"]
    assert report.done["inbox"] == 1


async def test_runs_only_the_chosen_tasks() -> None:
    report = await sweep({"inbox": batches(1), "outbox": batches(1)}, deadline=never(), chosen=["outbox"])

    assert report.done == {"outbox": 1}


async def test_stops_when_told() -> None:
    report = await sweep({"inbox": batches(10, 10)}, deadline=never(), stopped=lambda: True)

    assert report.unfinished == ["inbox"]


async def test_a_task_with_a_share_leaves_the_others_their_turn_and_then_has_what_is_left() -> None:
    time, turns = [0.0], []

    def a_task(name: str, *sizes: int) -> Batch:
        batch = batches(*sizes)

        async def takes_a_second() -> tuple[int, bool]:
            turns.append(name)
            time[0] += 1
            return await batch()

        return takes_a_second

    report = await sweep(
        {"sessions": a_task("sessions", *[10] * 20), "inbox": a_task("inbox", 10, 1)},
        deadline=Deadline(10, clock=lambda: time[0]),
        shares={"sessions": 0.5},
    )

    assert turns == ["sessions"] * 5 + ["inbox"] * 2 + ["sessions"] * 3
    assert report.done == {"sessions": 80, "inbox": 11}
    assert report.unfinished == ["sessions"]


async def test_a_share_is_no_more_than_what_the_pass_has_left() -> None:
    time = [0.0]
    deadline = Deadline(10, clock=lambda: time[0])

    time[0] = 8
    part = deadline.part(0.5)

    time[0] = 9.9
    assert not part.passed()
    time[0] = 10
    assert part.passed()
