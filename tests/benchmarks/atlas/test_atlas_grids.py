"""The closed forms of the maps' problems, and measuring that goes on where it stopped."""

import pytest
import torch

from benchmarks import measure
from benchmarks.atlas import grids, selection
from benchmarks.atlas.maps import MAPS, relaxed
from benchmarks.atlas.measuring import measured
from benchmarks.store.store import Store


@pytest.mark.parametrize(
    ("build", "point", "estimator"),
    [
        (grids.waves, (3, 2.0), "pathwise"),
        (grids.bits, (4, -1.0), "local-expectation"),
        (grids.gamma, (3.0, 2.0), "pathwise"),
    ],
)
def test_closed_forms_are_the_gradient(build, point, estimator):
    found = measure(build(*point), estimator, samples=4, replicates=4000, seed=3)
    assert found.truth_method == "closed form"
    assert found.bias_p > 1e-3
    assert found.bias_limit < 0.2


def test_a_wrong_closed_form_would_be_seen():
    problem = grids.gamma(3.0, 2.0)
    wrong = {name: 1.2 * value for name, value in problem.truth.items()}
    problem = type(problem)("wrong", problem.parameters, problem.family, problem.cost, wrong)
    assert measure(problem, "pathwise", samples=4, replicates=4000, seed=3).bias_p < 1e-4


def test_every_point_has_a_name_of_its_own():
    names = [one.problem(*point).name for one in MAPS for point in one.points()]
    assert len(names) == len(set(names))
    for one in MAPS:
        across, up = one.points()[-1]
        last = one.problem(across, up).name
        assert last == f"atlas-{one.name}[{one.across[0]}={across:g},{one.up[0]}={up:g}]"


def test_the_selection_leaves_out_what_takes_minutes():
    row = selection.Row("a", lambda: None, ("relax", "pathwise"))
    assert row.chosen(grids.bits(8, 0.0)) == ("pathwise",)
    assert row.chosen(grids.bits(2, 0.0)) == ("relax", "pathwise")
    parts = [next(iter(selection.rows((part,)))).replicates for part in ("suite", "maps")]
    assert parts == [10_000, 10_000]
    assert len(relaxed()) == 24


def test_it_goes_on_where_it_stopped(tmp_path):
    store = Store(tmp_path)
    rows = [
        selection.Row("b", lambda: grids.bits(2, 0.0), ("reinforce", "disarm", "pathwise"), 100)
    ]
    steps = measured(rows, store)
    assert next(steps) == "ok"
    steps.close()
    assert list(measured(rows, store)) == ["known", "ok", "refused"]
    assert list(measured(rows, store)) == ["known"] * 3
    records = list(store)
    assert [record["estimator"] for record in records] == ["reinforce", "disarm", "pathwise"]
    assert all(record["seconds"] is None for record in records)
    assert torch.get_num_threads() >= 1


def test_a_problem_that_is_none_is_named():
    def broken():
        return type(grids.bits(2, 0.0))("odd", {"logits": torch.zeros(2)}, lambda logits: 3, len)

    with pytest.raises(ValueError, match="odd cannot be measured"):
        list(measured([selection.Row("odd", broken, ("reinforce",), 100)], Store("unused")))
