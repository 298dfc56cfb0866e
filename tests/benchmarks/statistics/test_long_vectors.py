"""The table of long vectors beside the one of short ones, on gradients that both can hold."""

import numpy as np
import pytest
import torch

from benchmarks.statistics import long_vectors
from benchmarks.statistics.bias_test import assess
from benchmarks.statistics.direction import assess_direction
from benchmarks.statistics.intervals import jackknife_variances, kurtosis, means_of, snr_interval
from benchmarks.statistics.long_vectors import LongTable
from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.moments import Table
from benchmarks.statistics.random_projections import sketch

P, R, CHUNK = 300, 1000, 4  # 250 rows, which are merged twice
SIZES = (200, 1, 99)


@pytest.fixture(autouse=True)
def several_tiles(monkeypatch):
    monkeypatch.setattr(long_vectors, "TILE", 64)


@pytest.fixture(autouse=True, params=["operations", "compiled"])
def compiled(request, monkeypatch):
    """Sums by torch's operations, and by compiled loops."""
    if request.param == "operations":
        monkeypatch.setattr(long_vectors, "compiled_walk", lambda: None)
    elif not long_vectors.compiled_walk():
        pytest.skip("there is no C compiler")


def gradients(mean=5.0, skewed=True):
    torch.manual_seed(0)
    noise = torch.rand(R, P).log().neg().double() if skewed else torch.randn(R, P).double()
    return mean + noise * torch.linspace(0.1, 3, P).double()


def table_of(**how):
    return LongTable(CHUNK, compiled=True, **how)


def tables(g, size):
    ours, theirs = table_of(sizes=SIZES), Table(CHUNK)
    for block in g.split(size):
        ours.add(block)
    for block in g.split(CHUNK):
        theirs.add(block)
    return ours, theirs


@pytest.mark.parametrize("size", [1, 3, 4, 50])
def test_moments_are_those_of_the_other_table(size):
    ours, theirs = tables(gradients(), size)
    for name in ("count", "mean", "m2", "m3", "m4"):
        mine, known = (getattr(table.whole(), name)[0].numpy() for table in (ours, theirs))
        assert mine == pytest.approx(known, rel=1e-11), name
    assert float(ours.whole().q4[0]) == pytest.approx(float(theirs.whole().q4[0]), rel=2e-3)


@pytest.mark.parametrize("size", [1, 3, 4, 50])
def test_rows_are_those_of_the_other_table(size):
    ours, theirs = tables(gradients(), size)
    assert ours.rows.count.tolist() == theirs.rows.count.tolist()
    assert ours.rows.mean.tile(slice(0, P)) == pytest.approx(theirs.rows.mean.numpy(), rel=1e-6)
    mine, known = ours.rows.m2[:, 0].numpy(), theirs.rows.m2.sum(-1).numpy()
    assert mine == pytest.approx(known, rel=1e-6)


def test_pieces_give_the_bits_of_whole_blocks():
    g = gradients()
    whole, pieces = table_of(sizes=SIZES), table_of(sizes=SIZES)
    for block in g.split(10):
        whole.add(block)
        pieces.add(block.split(SIZES, 1))
    for name in ("mean", "m2", "m3", "m4", "q4"):
        assert torch.equal(getattr(whole.whole(), name), getattr(pieces.whole(), name))
    assert all(map(torch.equal, whole._rows, pieces._rows))


def test_a_look_in_between_changes_nothing_but_rounding():
    g = gradients()
    looked, plain = table_of(), table_of()
    for block in g.split(3):
        looked.add(block)
        plain.add(block)
        looked.whole()
    for name in ("mean", "m2", "m3", "m4"):
        mine, known = (getattr(table.whole(), name)[0].numpy() for table in (looked, plain))
        assert mine == pytest.approx(known, rel=1e-10), name
    assert looked._m2 == pytest.approx(plain._m2, rel=1e-6)


def test_kurtosis_of_many_parameters_is_close_to_one_and_not_closer():
    """κ − 1 = 2 tr Σ² / (tr Σ)² of normal gradients, though the centre moves."""
    g = gradients(skewed=False)
    spread = torch.linspace(0.1, 3, P).double()
    exact = float(2 * (spread**4).sum() / (spread**2).sum() ** 2)
    ours, _ = tables(g, 1)
    assert kurtosis(ours.whole()) - 1 == pytest.approx(exact, rel=5 * (2 / R) ** 0.5)


@pytest.mark.parametrize("off", [0.0, 0.2])
def test_bias_and_direction_are_those_of_the_other_table(off):
    g = gradients(mean=2.0)
    truth = g.mean(0).numpy() + off * np.sin(np.arange(P))
    found = []
    for table in tables(g, 4):
        rows = table.rows
        measured = MeasuredGradient(table.whole(), rows, truth, np.zeros(P), 1e-16)
        bias, direction = assess(measured), assess_direction(measured)
        found.append([
            *bias.squared, bias.p, bias.limit, *direction.scale, *direction.bias,
            *snr_interval(rows), *jackknife_variances(rows), *sketch(means_of(rows))[0],
        ])  # fmt: skip
        assert bias.verdict == ("biased" if off else "unbiased")
    assert found[0] == pytest.approx(found[1], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("direction", [None, torch.ones(P, dtype=torch.float64)])
def test_what_is_zero_or_not_finite_is_seen(direction):
    g = gradients()
    g[5] = 0.0
    g[7, 3] = torch.inf
    table = table_of()
    seen = [table.add(block, direction) for block in g[:12].split(4)]
    square = torch.cat([one.square for one in seen])
    assert (square == 0).nonzero().tolist() == [[5]]
    assert (~square.isfinite()).nonzero().tolist() == [[7]]
    if direction is not None:
        along = torch.cat([one.along for one in seen])
        assert along[:5].numpy() == pytest.approx(g[:5].sum(1).numpy())


def test_float32_gradients_are_summed_in_float64():
    g = gradients().float()
    table = table_of()
    for block in g.split(4):
        table.add(block)
    assert table.whole().mean[0].numpy() == pytest.approx(g.double().mean(0).numpy(), rel=1e-13)


def test_the_compiled_walk_is_asked_for():
    g = gradients()
    compiled = table_of()
    compiled.add(g[:4])
    assert type(compiled.walk) is type(long_vectors.compiled_walk() or long_vectors.Walk())
    assert type(LongTable(CHUNK).walk) is long_vectors.Walk
