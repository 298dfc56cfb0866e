"""Trainings that keep their weights at stages: the same bits again, stored, listed by step."""

import numpy as np
import pytest
import torch

from benchmarks import problems
from benchmarks.problems import checkpoints, trajectories
from benchmarks.problems.checkpoints import Training, adam, store
from benchmarks.problems.trajectories import at_stages, trajectory


def training():
    return adam({"w": torch.randn(3)}, lambda w: (w["w"] - 1).square().sum(), 0.1)


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "DATA", tmp_path)
    monkeypatch.setattr(trajectories, "_trajectories", {})
    return Training("small", training, {"start": 0, "early": 3, "end": 40})


def test_a_training_gives_the_same_bits_again_and_leaves_the_generator_alone(small):
    before = torch.random.get_rng_state()
    first, again = small.run(), small.run()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert list(first) == ["start", "early", "end"]
    assert all(torch.equal(first[s]["w"], again[s]["w"]) for s in first)
    distance = [float((first[s]["w"] - 1).norm()) for s in first]
    assert distance == sorted(distance, reverse=True)


def test_weights_come_back_as_they_were_stored(small, capsys):
    store(small)
    assert capsys.readouterr().out.strip() == str(small.path)
    trained = small.run()
    for stage in small.steps:
        assert torch.equal(small.weights(stage)["w"], trained[stage]["w"].double())
    with np.load(small.path) as file:
        assert file["steps"].tolist() == [0, 3, 40]


def test_a_file_with_other_stages_is_refused(small):
    store(small)
    with pytest.raises(ValueError, match="holds the stages"):
        Training("small", training, {"start": 0, "end": 40}).weights("end")


def test_a_training_that_ends_early_is_named():
    short = Training("short", lambda: iter([{"w": torch.zeros(1)}]), {"start": 0, "end": 5})
    with pytest.raises(ValueError, match="ended before step 5"):
        short.run()


def test_stages_are_registered_and_listed_by_step(small):
    store(small)

    @at_stages(small, "small", "A small problem", weights=False, quick=True, replicates=300)
    def build(weights):
        normal = torch.distributions.Normal
        loc = weights["w"][0]
        return problems.Problem("any", {"loc": loc}, lambda loc: normal(loc, 1.0), torch.square)

    assert trajectory("small") == [(0, "small@start"), (3, "small@early"), (40, "small")]
    assert {"small@start", "small@early", "small"} <= set(problems.names())
    assert [n for n in problems.names("quick") if n.startswith("small")] == ["small"]
    loaded = problems.load("small@early")
    assert loaded.name == "small@early"
    assert loaded.parameters["loc"] == small.weights("early")["w"][0]
    with pytest.raises(ValueError, match="small"):
        trajectory("smal")


def test_every_stage_of_the_suite_is_stored_under_its_step():
    listed = trajectories.trajectories()
    assert {"vae-digits", "vae-digits-weights", "vq-vae-1", "deterministic"} <= set(listed)
    for name in listed:
        steps = [step for step, _ in trajectory(name)]
        assert steps == sorted(set(steps))
        assert len(steps) >= 3
