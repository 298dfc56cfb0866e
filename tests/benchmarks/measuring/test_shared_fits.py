"""One fit of what is learned serves several neighbouring replicates, and intervals know of it."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from benchmarks import Problem, measure
from benchmarks.measuring.cell import Cell, Replicates
from benchmarks.measuring.prepare import Prepared
from benchmarks.measuring.shared_fits import MANY, SERVED, SharedFits
from benchmarks.measuring.task import Task, plan_of
from benchmarks.problems import load
from benchmarks.running.cell_spec import CellSpec
from benchmarks.running.job import Job, cell_of
from benchmarks.statistics.stopping import Plan
from estimators import create

R, RUNS, COINS = 1000, 60, 16


def problem(batch=COINS):
    """Where a constant baseline could take away all variance, so that fits make what is left."""
    return Problem(
        "hard",
        {"probs": torch.full((batch,), 0.5, dtype=torch.float64)},
        lambda probs: Bernoulli(probs=probs),
        lambda x: (x - 0.45).square(),
        truth=None,
    )


def cell(estimator, shares=None):
    return Cell(problem(), None, create(estimator), 2, 0, torch.device("cpu"), shares=shares)


def served(problem, estimator, replicates=R):
    shares = SharedFits.of(problem, create(estimator), plan_of(problem, 1, replicates, None))
    return shares.each if shares else 1


@pytest.mark.parametrize(
    ("name", "learned"),
    [
        ("reinforce-ema", lambda one: one.baseline.total),
        ("reinforce-nvil", lambda one: one.baseline),
        ("rebar", lambda one: one.fit[1]),
        ("double-control-variates", lambda one: one.fit),
    ],
)
def test_neighbours_have_what_one_fit_has_learned(name, learned):
    shared, alone = cell(name, SharedFits(4, Plan(54, 8, 8))), cell(name)
    blocks = enumerate([8, 8, 8, 8, 8, 8, 6])
    found = torch.cat([learned(shared.fitted(index, size)) for index, size in blocks])
    few = torch.cat([learned(alone.fitted(0, 8)), learned(alone.fitted(1, 6))])  # of two groups
    assert torch.equal(found, few[torch.arange(54) // 4])
    assert len(few.reshape(14, -1)[:, 0].unique()) > 7


@pytest.mark.parametrize(
    ("block", "replicates", "groups"),
    [(32, 1000, [32, 32, 32, 29]), (128, 600, [64, 11]), (4096, 9000, [512, 512, 101])],
)
def test_no_more_is_fitted_than_is_used(block, replicates, groups):
    shares, asked = SharedFits(8, Plan(replicates, block, 8)), []

    def fitted(group, size):
        asked.append(size)
        return create("reinforce-nvil", baseline=torch.arange(size))

    sizes = Plan(replicates, block, 8).sizes()
    places = [shares.serving(i, size, fitted).baseline for i, size in enumerate(sizes)]
    assert asked == groups
    assert all(place[-1] < asked[i // shares.blocks] for i, place in enumerate(places))


@pytest.mark.parametrize(
    ("name", "batch", "each"),
    [
        ("rebar", MANY, SERVED),
        ("reinforce-ema", MANY, SERVED),
        ("rebar", MANY - 1, 1),  # fits that differ would show
        ("reinforce-loo", MANY, 1),  # learns nothing
        ("aimle", MANY, 1),  # its mean depends on what it has learned
    ],
)
def test_who_shares(name, batch, each):
    one = problem(batch)
    assert served(one, name) == each


def test_the_noise_of_a_continuous_law_hides_what_fits_differ():
    one = Problem(
        "square", {"loc": torch.ones(())}, lambda loc: Normal(loc, 1.0), lambda x: x.square()
    )
    assert served(one, "lax") == SERVED


def test_never_more_than_a_row():
    assert served(problem(), "rebar", 130) == 4


def test_a_worker_shares_as_the_whole_cell_does():
    job = Job(CellSpec("vae-digits", "reinforce-nvil", 1, 500))
    whole = Task.of(Prepared(load("vae-digits"), None), "reinforce-nvil", replicates=500)
    here, there = cell_of(job), whole.cell
    assert (
        (here.shares.each, here.shares.block) == (there.shares.each, there.shares.block) == (8, 256)
    )
    blocks = [
        torch.equal(here.block(i, size), there.block(i, size)) for i, size in ((1, 244), (0, 256))
    ]
    assert all(blocks)


def test_what_a_fit_costs_does_not_depend_on_whom_it_serves():
    found = measure(problem(), "reinforce-nvil", replicates=R, timed=False)
    assert found.fit_evaluations == create("reinforce-nvil").fit_steps


@pytest.mark.parametrize("rows", [True, False])
def test_intervals_cover_though_estimates_depend(rows, monkeypatch):
    """Without the noise that rows show, half of them would miss."""
    if not rows:
        monkeypatch.setattr(Replicates, "whole", property(lambda self: self.table.whole()))
    one, variance, hits, widths = problem(), reference(), 0, []
    for seed in range(RUNS):
        found = measure(one, "reinforce-ema", replicates=R, seed=seed, timed=False)
        hits += found.variance_low < variance < found.variance_high
        widths.append(math.log(found.variance_high / found.variance_low))
    assert hits >= 0.85 * RUNS if rows else hits < 0.7 * RUNS


def reference() -> float:
    """Σ Var ((f − b) s) over the batch: f = b* ± 0.05, s = ± 2, so (f − b*) s is constant."""
    off = 0.05**2 / 19 / COINS  # E (b − b*)², of the mean of 19 calls over the batch
    return off * 4 * COINS


def test_who_says_to_be_biased_does_not_share():
    class Biased(type(create("rebar"))):
        unbiased = False

    shares = SharedFits.of(problem(), Biased(), plan_of(problem(), 1, R, None))
    assert shares is None
