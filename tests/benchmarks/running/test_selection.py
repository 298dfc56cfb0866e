"""What is in the quick suite is said where an estimator is registered."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

import estimators
from benchmarks.regression.worker import Work
from benchmarks.running.selection import Membership, suite_cells
from estimators import Estimator

MEMBERS = Membership(
    frozenset({"a", "b"}), frozenset({"large"}), {"large": ("c:x=1",), "small": ("a", "c:x=2")}
)


@dataclass(frozen=True)
class _New(Estimator):
    suite: str = "none"

    def surrogate(self, dist, cost, samples=1):
        raise NotImplementedError


def new_class(module):
    return dataclass(frozen=True)(type("New", (_New,), {"__module__": module}))


@pytest.mark.parametrize(
    ("module", "said", "quick"),
    [
        ("estimators.new", (), False),
        ("estimators.coupled.new", (), False),
        ("estimators.coupled.new", ("quick",), True),
        ("mine", (), True),
        ("estimators_of_mine", (), True),
        ("mine", ("full",), False),
    ],
)
def test_a_new_estimator_joins_the_quick_suite_where_it_says_so(module, said, quick):
    estimators.register("new", *said)(new_class(module))
    assert ("new" in estimators.names("quick")) == quick
    assert "new" in estimators.names("full")
    assert estimators.about("new")["suite"] == ("quick" if quick else "full")


def test_a_field_may_be_called_suite():
    estimators.register("new", suite="mine")(new_class("mine"))
    assert estimators.create("new").suite == "mine"
    assert "new" in estimators.names("quick")


def test_an_unknown_suite_is_refused():
    with pytest.raises(ValueError, match="'quick' or 'full', not 'fast'"):
        estimators.register("new", "fast")


@pytest.mark.parametrize(
    ("problem", "shelf", "measured"),
    [
        ("small", "ab", ["a", "b", "c:x=2"]),
        ("small", "abc", ["a", "b", "c", "c:x=2"]),
        ("large", "ab", ["a", "b"]),
        ("large", "abc", ["a", "b", "c:x=1"]),
        ("plain", "abc", ["a", "b", "c"]),
    ],
)
def test_a_narrow_problem_has_the_quick_estimators(problem, shelf, measured):
    assert MEMBERS.estimators_of(problem, [*shelf]) == measured


def test_cells_are_in_the_order_of_a_run():
    cells = suite_cells("pq", (1, 2), {"p": 10, "q": 20}.get, lambda problem: "ab")
    assert [tuple(cell) for cell in cells[:3]] == [
        ("p", "a", 1, 10),
        ("p", "b", 1, 10),
        ("p", "a", 2, 10),
    ]
    assert len(cells) == 8
    assert tuple(cells[-1]) == ("q", "b", 2, 20)


def revision(**about):
    return SimpleNamespace(about=lambda plugins: about, measure=None)


def test_revisions_before_membership_was_said_have_it_by_the_place_of_the_module():
    homes = {"a": "estimators.a", "b": "estimators.coupled.b", "c": "mine"}
    assert Work(revision(estimators=homes)).about([])["quick"] == ["a", "c"]
    assert Work(revision(estimators=homes, quick=["b"])).about([])["quick"] == ["b"]
