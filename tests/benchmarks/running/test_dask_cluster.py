"""The same bits whoever measures, and whoever dies: a real cluster of two processes, a child."""

import os
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from records import without_timings

from benchmarks.objective.loading import read_file
from benchmarks.running import crew_of
from benchmarks.running import suite as running
from benchmarks.running.in_process import Alone
from benchmarks.store.store import Store
from gradmeter import main

pytest.importorskip("distributed")

PLUGIN = """
import os, pathlib, signal, time
import estimators
from estimators.pathwise import Pathwise

SEEN = pathlib.Path(__file__).parent / "seen"


class Seen(Pathwise):
    def surrogate(self, dist, cost, samples=1):
        (SEEN / str(os.getpid())).touch()
        return super().surrogate(dist, cost, samples)


@estimators.register("slow")
class Slow(Seen):
    def surrogate(self, dist, cost, samples=1):
        time.sleep(0.02)
        return super().surrogate(dist, cost, samples)


@estimators.register("poison")
class Poison(Seen):
    def surrogate(self, dist, cost, samples=1):
        os.kill(os.getpid(), signal.SIGKILL)


@estimators.register("hangs")
class Hangs(Seen):
    def surrogate(self, dist, cost, samples=1):
        time.sleep(3600)


@estimators.register("greedy")
class Greedy(Seen):
    def surrogate(self, dist, cost, samples=1):
        held = []
        while True:
            held.append(b"x" * 2**26)
            time.sleep(0.01)


@estimators.register("boundless")
class Boundless(Seen):
    def surrogate(self, dist, cost, samples=1):
        return dist.rsample((10**15,)).sum()


for cls in (Seen, Slow, Poison, Hangs, Greedy, Boundless):
    cls.unsupported = lambda self, dist, samples=1: None
estimators.register("seen")(Seen)
"""
TIMINGS = ("seconds", "gradients_per_second", "work_variance", "peak_memory", "context")
PROBLEMS = ("normal-quadratic", "normal-10-quadratic")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "seen").mkdir()
    (folder / "mine.py").write_text(PLUGIN)
    return folder / "mine.py"


@pytest.fixture(scope="module")
def crew(plugin):
    from benchmarks.running.dask_cluster import Cluster

    with Cluster(workers=2, plugins=(plugin,)) as crew:
        yield crew


@pytest.fixture(autouse=True)
def _known(plugin):
    read_file(plugin)


def seen(plugin):
    return {int(path.name) for path in (plugin.parent / "seen").iterdir()}


def test_a_worker_killed_in_the_middle_changes_no_bit(crew, plugin, tmp_path):
    suite = running.Suite(
        PROBLEMS, ("slow", "reinforce", "gumbel-softmax"), (1, 2, 3), 20_000, timed=False
    )
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    ended = [measurement.status for measurement in running.run(suite, here)]
    victim = min(crew.client.run(os.getpid).values())
    cells = running.run(suite, there, crew=crew)
    next(cells)
    os.kill(victim, signal.SIGKILL)
    assert sorted([*(m.status for m in cells), "ok"]) == sorted(ended)
    assert without_timings(there) == without_timings(here)
    assert victim not in crew.client.run(os.getpid).values()


def test_a_cell_that_kills_its_workers_ends_with_a_reason_and_alone(crew, tmp_path):
    store = Store(tmp_path)
    suite = running.Suite(PROBLEMS[:1], ("pathwise", "poison", "reinforce"), (1,), 1000)
    list(running.run(suite, store, crew=crew))
    ended = {record["estimator"]: record for record in store}
    assert {name: record["status"] for name, record in ended.items()} == {
        "pathwise": "ok", "poison": "error", "reinforce": "ok",
    }  # fmt: skip
    assert "died" in ended["poison"]["reason"]


def test_cells_that_want_more_memory_than_there_is_end_with_a_reason(crew, tmp_path):
    def limit(dask_worker, bytes):
        before = dask_worker.memory_manager.memory_limit
        dask_worker.memory_manager.memory_limit = bytes  # its keeper ends a worker that takes more
        return before

    crew.client.wait_for_workers(2, timeout=600)  # those that died above are back
    (before, _) = crew.client.run(limit, bytes=2**30, nanny=True).values()
    store = Store(tmp_path)
    suite = running.Suite(PROBLEMS[:1], ("greedy", "pathwise", "boundless"), (1,), 1000)
    list(running.run(suite, store, crew=crew))
    crew.client.run(limit, bytes=before, nanny=True)
    ended = {record["estimator"]: record for record in store}
    assert ended["pathwise"]["status"] == "ok"
    assert ended["greedy"]["status"] == "error"
    assert ended["boundless"]["status"] in ("error", "refused")  # seen before it starts, or ended
    assert "it may need more memory than a worker has" in ended["greedy"]["reason"]
    assert "memory" in ended["boundless"]["reason"]


def test_a_run_ends_when_all_workers_stay_away(tmp_path):
    import dask
    from distributed import LocalCluster

    from benchmarks.running.dask_cluster import ABSENCE

    suite = running.Suite(PROBLEMS, ("seen", "slow"), (1, 2, 3), 20_000, timed=False)
    with (
        dask.config.set({ABSENCE: "1s"}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as local,
        crew_of(scheduler=local.scheduler_address) as crew,
    ):
        cells = running.run(suite, Store(tmp_path), crew=crew)
        next(cells)
        local.scale(0)
        with pytest.raises(ConnectionError, match="no worker for 1 seconds"):
            list(cells)
    assert len(list(Store(tmp_path))) >= 1


class Never:
    """A result that was lost with its worker: nobody makes it again, and nobody says so."""

    status, asked = "pending", 0

    def result(self, timeout):
        self.asked += 1
        if self.asked > 3:
            pytest.fail("it is waited for without end")
        raise TimeoutError


def test_a_wait_for_a_lost_result_ends_when_the_client_is_closed(crew, monkeypatch):
    monkeypatch.setattr(crew, "client", SimpleNamespace(status="closed"))
    with pytest.raises(ConnectionError, match="The scheduler is gone"):
        crew._outcome(None, Never())


def test_blocks_of_a_large_cell_are_made_by_all_workers(crew, plugin, tmp_path, monkeypatch):
    monkeypatch.setattr(crew, "order", replace(crew.order, large=0.0))
    crew.client.wait_for_workers(2, timeout=600)  # those that died above are back
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    for precision in (None, 0.03):
        suite = running.Suite(
            PROBLEMS[1:], ("slow",), (16,), 200_000, precision, seed=5, timed=False
        )
        for path in (plugin.parent / "seen").iterdir():
            path.unlink()
        list(running.run(suite, there, crew=crew))
        assert seen(plugin) == set(crew.client.run(os.getpid).values())
        list(running.run(suite, here))
    assert without_timings(there) == without_timings(here)
    assert {record["stopped"] for record in here} == {"replicates", "precision"}


def test_workers_keep_the_memory_of_a_block_for_the_next(crew):
    def faults_of_blocks() -> int:
        import resource

        import torch

        def blocks() -> int:
            for _ in range(20):
                torch.zeros(2**20).add(1)  # two times 4 MB: 1024 pages each if they are new
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

        return -blocks() + blocks()

    for faults in crew.client.map(lambda _: faults_of_blocks(), range(2), pure=False):
        assert faults.result() < 10_000  # of 40,000; what other threads take may move the blocks


def test_several_workers_measure_and_one_times(crew, tmp_path):
    store = Store(tmp_path)
    suite = running.Suite(PROBLEMS, ("pathwise", "gumbel-softmax"), (1,), 1000)
    measured = list(running.run(suite, store, crew=crew))
    assert not any(record["seconds"] or record["context"]["isolated"] for record in store)
    left = running.untimed(suite, store)
    assert len(left) == sum(m.status == "ok" for m in measured) == 2
    list(running.time_alone(left, store, crew=crew))
    for record in store.latest().values():
        assert (record["seconds"] is not None) == (record["status"] == "ok")
        assert record["context"]["isolated"] == (record["status"] == "ok")
        if record["status"] == "ok":
            assert record["work_variance_low"] < record["work_variance"]
            assert record["work_variance"] == record["variance"] * record["seconds"]
    assert not running.untimed(suite, store)


def test_a_cell_that_hangs_or_crashes_in_a_child_is_an_error_with_its_reason(plugin, tmp_path):
    suite = running.Suite(PROBLEMS[:1], ("hangs", "seen", "poison"), (1,), 1000, timed=False)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    with Alone(limit=2, plugins=(plugin,)) as crew:
        list(running.run(replace(suite, estimators=("hangs",)), there, crew=crew))
        crew.child.limit = 600  # a busy machine may take its time with those that do not hang
        list(running.run(replace(suite, estimators=("seen", "poison")), there, crew=crew))
    ended = {record["estimator"]: record for record in there}
    assert ended["hangs"]["status"] == ended["poison"]["status"] == "error"
    assert "longer than 2 seconds" in ended["hangs"]["reason"]
    assert "SIGKILL" in ended["poison"]["reason"]
    list(running.run(replace(suite, estimators=("seen",)), here))
    assert without_timings(here).items() <= without_timings(there).items()


def test_without_dask_the_command_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "benchmarks.running.dask_cluster", raising=False)
    done = CliRunner().invoke(main, ["run", "--workers", "2", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "pip install 'gradmeter[distributed]'" in done.stderr


def test_no_scheduler_is_one_sentence(tmp_path, monkeypatch):
    from benchmarks.running import dask_cluster as cluster

    monkeypatch.setattr(cluster, "PATIENCE", 1)
    arguments = ["run", "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2, done.output
    assert "dask scheduler" in done.stderr


@pytest.mark.study
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of dask-jobqueue's processes and pipes
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_workers_that_a_queue_starts_give_the_same_bits(plugin, tmp_path):
    """The stand-in that dask-jobqueue has for Slurm: jobs are processes of this machine."""
    queue = pytest.importorskip("dask_jobqueue.local")
    suite = running.Suite(PROBLEMS, ("seen", "reinforce"), (1, 2), 1000, timed=False)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    list(running.run(suite, here))
    with queue.LocalCluster(
        cores=1,
        processes=1,
        memory="2GB",
        python=sys.executable,
        scheduler_options={"dashboard_address": ":0"},
    ) as cluster:
        cluster.scale(jobs=2)
        with crew_of(scheduler=cluster.scheduler_address, plugins=(plugin,)) as crew:
            crew.client.wait_for_workers(2, timeout=600)
            list(running.run(suite, there, crew=crew))
    assert without_timings(there) == without_timings(here)
