"""The queue: a job is done once, whatever dies."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from touchline.errors import InputError
from touchline.server.jobs.queue import KINDS_OF_LANES, LANES, Lease, LeaseLostError, Outlook
from touchline.server.jobs.types.analysis import AnalysePayload
from touchline.server.jobs.types.pull import PullPayload
from touchline.server.jobs.types.spotting import SpotPayload
from touchline.server.jobs.worker import Worker, _Progress
from touchline.server.services import Services
from touchline.server.tables import JobLineRow, JobRow, WorkerRow


def add(services: Services, count: int = 1, **options: object) -> list[str]:
    with services.database.write() as session:
        jobs = [
            services.queue.add(session, PullPayload(name=f"a/{i}"), **options) for i in range(count)
        ]
        return [job.id for job in jobs]


def job(services: Services, job_id: str) -> JobRow:
    with services.database.read() as session:
        return session.get_one(JobRow, job_id)


def claim(services: Services, worker: str = "w") -> Lease:
    lease = services.queue.claim(worker)
    assert lease is not None
    return lease


def expire(services: Services, lease: Lease) -> None:
    with services.database.write() as session:
        session.get_one(JobRow, lease.job_id).leased_until = 1.0


def test_jobs_are_taken_in_order_and_once(any_services: Services) -> None:
    ids = add(any_services, 3)
    assert [claim(any_services).job_id for _ in range(3)] == ids
    assert any_services.queue.claim("w") is None


@pytest.mark.parametrize("field", ["leased_until", "not_before"])
def test_what_was_written_before_the_clock_was_set_back_holds_up_nothing(
    services: Services, field: str
) -> None:
    [first] = add(services)
    lease = claim(services)
    assert services.queue.claim("w") is None
    if field == "not_before":
        services.queue.fail(lease, "no", again=True)
    with services.database.write() as session:
        setattr(session.get_one(JobRow, first), field, 9e12)
    assert claim(services).job_id == first


def test_a_stage_takes_effect_once(services: Services) -> None:
    """It may be told again where the answer of the database was lost."""
    add(services)
    lease, effects = claim(services), []
    for _ in range(2):
        services.queue.stage_done(lease, "pull", lambda session: effects.append(1) or {})
    assert effects == [1]


def test_a_higher_priority_goes_first(any_services: Services) -> None:
    [low] = add(any_services)
    [high] = add(any_services, priority=5)
    assert claim(any_services).job_id == high
    assert claim(any_services).job_id == low


def test_the_same_key_gives_the_same_job(any_services: Services) -> None:
    assert add(any_services, key="k") == add(any_services, key="k")
    with (
        pytest.raises(InputError, match="belongs to another job"),
        any_services.database.write() as s,
    ):
        any_services.queue.add(s, PullPayload(name="other"), key="k")


def test_a_key_used_at_once_by_many_gives_one_job(any_services: Services) -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.extend(add(any_services, key="once"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8 and len(set(ids)) == 1


def test_a_silent_worker_loses_its_job_and_can_change_nothing(any_services: Services) -> None:
    add(any_services)
    dead = claim(any_services, "dead")
    expire(any_services, dead)
    alive = claim(any_services, "alive")
    assert alive.job_id == dead.job_id and alive.attempt == 2
    for act in (
        lambda: any_services.queue.beat(dead, "pull", {}, 0.5),
        lambda: any_services.queue.succeed(dead, lambda s: {"by": "dead"}),
        lambda: any_services.queue.fail(dead, "x", again=False),
        lambda: any_services.queue.stage_done(dead, "pull", lambda s: {"by": "dead"}),
    ):
        with pytest.raises(LeaseLostError):
            act()
    any_services.queue.succeed(alive, lambda s: {"by": "alive"})
    assert job(any_services, alive.job_id).result == {"by": "alive"}


def test_a_job_that_kills_its_workers_is_given_up(any_services: Services) -> None:
    """Taken again after a kill, up to a limit, then failed."""
    poison, healthy = add(any_services, 2)
    for attempt in range(1, 4):
        lease = claim(any_services)
        assert (lease.job_id, lease.attempt) == (poison, attempt)
        expire(any_services, lease)
    assert claim(any_services).job_id == healthy
    ended = job(any_services, poison)
    assert ended.state == "failed" and "3 workers ended" in (ended.problem or "")


def test_a_failed_attempt_waits_while_others_go_first(
    make_services: Callable[..., Services],
) -> None:
    """A poisonous file does not block the queue."""
    services = make_services(queue={"backoff_seconds": 60.0})
    poison, healthy = add(services, 2)
    services.queue.fail(claim(services), "crashed", again=True)
    assert claim(services).job_id == healthy
    assert services.queue.claim("w") is None
    assert job(services, poison).state == "queued"


def test_a_wrong_input_is_not_tried_again(any_services: Services) -> None:
    [one] = add(any_services)
    any_services.queue.fail(claim(any_services), "is no video", again=False)
    assert job(any_services, one).state == "failed" and job(any_services, one).attempts == 1


def test_finished_stages_are_not_done_again(any_services: Services) -> None:
    add(any_services)
    lease = claim(any_services)
    any_services.queue.stage_done(lease, "probe", lambda s: {"width": 3})
    expire(any_services, lease)
    assert claim(any_services).done == {"probe": {"width": 3}}


def test_cancelling_takes_the_lease_away_at_once(any_services: Services) -> None:
    running, waiting = add(any_services, 2)
    lease = claim(any_services)
    for one in (running, waiting):
        with any_services.database.write() as session:
            assert any_services.queue.cancel(session, session.get_one(JobRow, one))
    assert not any_services.queue.still_holds(lease)
    assert any_services.queue.claim("w") is None
    with any_services.database.write() as session:
        assert not any_services.queue.cancel(session, session.get_one(JobRow, running))
        any_services.queue.retry(session, session.get_one(JobRow, running))
    assert claim(any_services).job_id == running


def test_a_released_job_has_lost_no_attempt(any_services: Services) -> None:
    add(any_services)
    any_services.queue.release(claim(any_services))
    assert claim(any_services).attempt == 1


def test_the_place_in_the_queue(services: Services) -> None:
    ids = add(services, 3)
    claim(services)
    with services.database.read() as session:
        places = [services.queue.position(session, session.get_one(JobRow, i)) for i in ids]
    assert places == [None, 0, 1]


def order(services: Services, kind: str) -> str:
    with services.database.write() as session:
        payloads = {
            "analyse": AnalysePayload(match="m"),
            "spot": SpotPayload(model="demo", threshold=0.1),
            "pull": PullPayload(name="a"),
        }
        return services.queue.add(session, payloads[kind]).id


def outlook(services: Services, job_id: str) -> Outlook:
    with services.database.read() as session:
        return services.queue.outlook(session, session.get_one(JobRow, job_id))


def test_a_long_job_holds_up_only_its_lane(any_services: Services) -> None:
    queue = any_services.queue
    first, second, spot = (order(any_services, kind) for kind in ("analyse", "analyse", "spot"))
    lease = queue.claim("w", "analysis")
    assert lease is not None and lease.job_id == first
    assert (beside := queue.claim("w", "spotting")) is not None and beside.job_id == spot
    assert queue.claim("w", "cutting") is None
    assert (after := queue.claim("w2", "analysis")) is not None and after.job_id == second


def test_every_type_of_job_has_a_lane() -> None:
    from touchline.server.jobs.types import JOB_TYPES

    assert set(JOB_TYPES) <= {kind for kinds in KINDS_OF_LANES.values() for kind in kinds}


def test_a_job_of_an_unknown_type_is_taken_and_fails(services: Services) -> None:
    [job_id] = add(services)
    with services.database.write() as session:
        session.get_one(JobRow, job_id).kind = "of a later version"
    assert [services.queue.claim("w", lane) for lane in LANES[1:]] == [None] * (len(LANES) - 1)
    assert (lease := services.queue.claim("w", LANES[0])) is not None and lease.job_id == job_id


def test_a_job_says_what_it_waits_for(services: Services) -> None:
    first, second, third = (order(services, "analyse") for _ in range(3))
    other = order(services, "spot")
    assert outlook(services, first) == Outlook(0, "worker")
    with services.database.write() as session:
        session.add(WorkerRow(id="w", started_at=1.0, seen_at=services.database.now(session)))
    assert outlook(services, other) == Outlook(0, "turn")
    lease = services.queue.claim("w", "analysis")
    assert lease is not None
    assert outlook(services, second) == Outlook(0, "job")
    assert outlook(services, third) == Outlook(1, "job")
    assert outlook(services, other) == Outlook(0, "turn"), "its lane is free"
    with services.database.write() as session:
        session.get_one(JobRow, first).attempt_at = services.database.now(session) - 60
    services.queue.beat(lease, "proxy", {"proxy": 0.5}, 0.25)
    left = outlook(services, first)
    assert left.waits_for is None and left.seconds_left == pytest.approx(180, abs=5)
    services.queue.fail(lease, "no luck", again=True)
    with services.database.write() as session:
        session.get_one(JobRow, first).not_before = services.database.now(session) + 30
    again = outlook(services, first)
    assert again.waits_for == "attempt" and again.seconds_left == pytest.approx(30, abs=5)


def test_an_attempt_says_where_it_goes_on(services: Services) -> None:
    job = order(services, "analyse")
    lost = services.queue.claim("w", "analysis")
    assert lost is not None
    services.queue.fail(lost, "killed", again=True)
    with services.database.write() as session:
        session.get_one(JobRow, job).not_before = 0.0
    lease = services.queue.claim("w", "analysis")
    assert lease is not None and lease.attempt == 2
    progress = _Progress(Worker(services, threading.Event()), lease, {"proxy": 0.5})
    progress.begin("proxy", kept_of_seconds=5400.0)
    progress.watch(0.0)
    progress.watch(0.3445)
    with services.database.read() as session:
        row = session.get_one(JobRow, job)
        assert row.attempt_progress == row.progress == pytest.approx(0.1722, abs=1e-3)
        lines = session.scalars(select(JobLineRow.text).where(JobLineRow.job_id == job)).all()
    assert "proxy: goes on at 31:00" in lines


def test_the_log_of_a_job_does_not_grow_without_end(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("touchline.server.jobs.queue.MAX_LINES", 10)
    [one] = add(services)
    with services.database.write() as session:
        for i in range(30):
            services.queue.note(session, session.get_one(JobRow, one), f"line {i}")
    with services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(JobLineRow)) == 10
        assert session.scalar(select(JobLineRow.text).order_by(JobLineRow.id.desc())) == "line 29"


@pytest.mark.slow
def test_two_workers_never_get_the_same_job(any_services: Services) -> None:
    """Many jobs, several workers that claim as fast as they can."""
    count = 400
    add(any_services, count)
    taken: list[str] = []

    def work(name: str) -> None:
        while (lease := any_services.queue.claim(name)) is not None:
            taken.append(lease.job_id)
            any_services.queue.succeed(lease, lambda s: {})

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == count and max(Counter(taken).values()) == 1


def test_queued_jobs_survive_the_server(make_services: Callable[..., Services]) -> None:
    """A restart with a hundred in the queue."""
    first = make_services()
    ids = add(first, 100)
    first.close()
    second = make_services()
    with second.database.read() as session:
        states = {one.id: one.state for one in session.scalars(select(JobRow))}
    assert states == dict.fromkeys(ids, "queued")
    assert claim(second).job_id == ids[0]


def test_times_come_from_the_database(any_services: Services) -> None:
    with any_services.database.read() as session:
        assert abs(any_services.database.now(session) - time.time()) < 60
