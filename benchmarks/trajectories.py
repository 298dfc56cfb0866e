"""Trajectories: the stages of one training, at which every estimator meets the same weights."""

from collections.abc import Iterable

from benchmarks.problems.stages import trajectories, trajectory


def names(among: Iterable[str]) -> list[str]:
    """The plain names of the problems with stages whose last stage, the plain one, is `among`."""
    among = set(among)
    return [name for name in trajectories() if name in among]


def stages(plain: Iterable[str]) -> tuple[str, ...]:
    """The problems at every stage of these trainings, each training in order of step."""
    return tuple(problem for name in plain for _, problem in trajectory(name))


def place(problem: str) -> dict[str, str | int | None]:
    """Which `trajectory` a problem belongs to and at which `step`: what its records say of it."""
    name = problem.partition("@")[0]
    steps = {at: step for step, at in trajectory(name)} if name in trajectories() else {}
    return {"trajectory": name if problem in steps else None, "step": steps.get(problem)}
