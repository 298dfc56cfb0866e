"""Trajectories: the stages of one training, at which every estimator meets the same weights."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from benchmarks.objective.definition import Problem
from benchmarks.problems import names, register
from benchmarks.problems.checkpoints import Training, Weights
from benchmarks.truth.stored_references import stored_reference
from estimators import unknown

ALSO = (  # beside the quick suite's estimators: the quietest of several kinds, where they apply
    "antithetic-pathwise", "sticking-the-landing", "disarm", "rein-max", "straight-through-copied",
)  # fmt: skip
WHERE = {  # by whether there is a network, and by the suffix of the problem's name
    (True, ""): "gradient at the network's output",
    (True, "-weights"): "gradient of the network's weights",
    (False, ""): "gradient of the parameters",
}
_trajectories: dict[str, list[tuple[int, str]]] = {}


def trajectory(name: str) -> list[tuple[int, str]]:
    """(step, problem) of each stage of the problem with the plain `name`, in order of step.

    ValueError for a problem that has no stages.
    """
    if name not in trajectories():
        raise ValueError(unknown("problem with stages", name, trajectories()))
    return sorted(_trajectories[name])


def trajectories() -> list[str]:
    """The plain names of all problems that have stages."""
    names()  # every module with problems has been read
    return list(_trajectories)


def at_stages(
    training: Training,
    name: str,
    summary: str,
    weights: bool = True,
    quick: bool = False,
    replicates: int = 1_000,
    reference: str | None = None,
    also: tuple[str, ...] = ALSO,
) -> Callable[[Callable[[Weights], Problem]], Callable[[Weights], Problem]]:
    """Decorator that registers `build(weights) -> Problem` at every stage of `training`.

    The problem is registered at λ as `name` and, with `weights`, at the weights of its network as
    `name-weights`, with `@stage` behind it for all stages but the last; `quick` is for the last,
    at the weights if there are any.
    Its truth is the stored reference of its name, where there is one, else what `build` gave it;
    problems with the same gradient share one by naming the other problem as `reference`.
    """

    def add(build: Callable[[Weights], Problem]) -> Callable[[Weights], Problem]:
        at_end = "-weights" if weights else ""
        for suffix in ("", "-weights") if weights else ("",):
            _trajectories[name + suffix] = []
            for stage, step in training.steps.items():
                at_last = stage == training.last
                tail = suffix + ("" if at_last else f"@{stage}")
                _trajectories[name + suffix].append((step, name + tail))

                @register(
                    name + tail,
                    quick and tail == at_end,
                    replicates,
                    also,
                    narrow=True,
                    full=at_last,
                )
                def made(stage=stage, step=step, suffix=suffix, tail=tail) -> Problem:
                    built = build(training.weights(stage))
                    if weights and not suffix:
                        built = replace(built, weights=None, network=None, minibatch=None)
                    return replace(
                        built,
                        name=name + tail,
                        summary=f"{summary}: {WHERE[weights, suffix]}, step {step}",
                        truth=stored_reference((reference or name) + tail) or built.truth,
                    )

        return build

    return add


def trained(among: Iterable[str]) -> list[str]:
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
