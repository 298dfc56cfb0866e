"""The worked examples run from the command line, and their answers are the long-run ones."""

from pathlib import Path

import pandas
import pytest
import torch
from click.testing import CliRunner

from benchmarks import Problem
from benchmarks.measuring.compare import compare
from benchmarks.objective.loading import problem_from
from benchmarks.validation.interface_checks import completed
from gradmeter import main
from reports.frames.recommendation import by_work, tied_with_best

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
RIVALS = {
    "truncated_laplace": ["implicit", "reinforce-loo", "antithetic-pathwise", "spsa"],
    "kumaraswamy": ["pathwise", "rqmc-pathwise", "antithetic-pathwise", "spsa"],
    "zero_inflated_poisson": ["reinforce", "reinforce-loo", "spsa", "pathwise"],
    "mixture_of_von_mises": ["implicit", "reinforce", "reinforce-loo"],
    "large_categorical": ["reinforce", "reinforce-loo", "enumeration"],
    "gaussian_copula": ["implicit", "reinforce-loo", "spsa"],
    "simulator": ["finite-differences", "spsa", "reinforce-loo"],
    "discrete_vae": ["disarm", "reinforce-loo"],
    "policy": ["reinforce-loo", "enumeration", "stratified"],
    "bayesian_regression": ["pathwise", "antithetic-pathwise", "reinforce-loo"],
}


def arguments(path):
    chosen = [part for name in RIVALS[path.stem] for part in ("-e", name)]
    return ["compare", str(path), "-K", "4", *chosen]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    out = tmp_path / "table.csv"
    done = CliRunner().invoke(main, [*arguments(path), "-R", "300", "--out", str(out)])
    assert done.exit_code == 0, done.output
    frame = pandas.read_csv(out, keep_default_na=False)
    assert (frame["status"] == "ok").sum() >= 2
    if path.stem in ("large_categorical", "policy"):  # classes are rare in so few estimates
        assert "Use enumeration (K = 4): its gradient is exact" in done.stdout
    else:
        assert any(word in done.stdout for word in ("Use ", "By noise alone: "))
        assert not (frame["bias_verdict"] == "biased").any()


def test_the_shortest_fits_the_readme():
    lines = (EXAMPLES[0].parent / "kumaraswamy.py").read_text().splitlines()
    assert len(lines) <= 15


def test_truths_are_found():
    found = {}
    for path in EXAMPLES:
        if path.stem in ("kumaraswamy", "zero_inflated_poisson", "truncated_laplace"):
            frame = compare(problem_from(str(path)), RIVALS[path.stem][1:2], replicates=300)
            found[path.stem] = frame["truth_method"][0]
    assert found == {
        "kumaraswamy": "quadrature",
        "truncated_laplace": "quadrature",
        "zero_inflated_poisson": "enumeration",
    }


def torch_s(name, cost, **parameters):
    family = getattr(torch.distributions, name)
    return Problem(name, {k: torch.tensor(v) for k, v in parameters.items()}, family, cost)


def square(x):
    return (x - 0.5).square()


STUDIED = [
    *[p.stem for p in EXAMPLES],
    torch_s("Normal", square, loc=1.0, scale=1.0),
    torch_s("Gamma", square, concentration=2.0, rate=1.0),
    torch_s("Beta", lambda x: (5 * x).cos(), concentration1=2.0, concentration0=3.0),
    torch_s("Laplace", lambda x: (3 * x).cos(), loc=1.0, scale=1.0),
    torch_s("Bernoulli", lambda x: (x - 0.45).square(), probs=0.3),
    torch_s("Poisson", square, rate=3.0),
]
FEW = (  # of the shelf
    "mixture_of_von_mises", "large_categorical", "gaussian_copula", "simulator",
    "discrete_vae", "policy", "bayesian_regression",
)  # fmt: skip
NEAR = 3.0  # times the best work of the short run: who is measured again


@pytest.mark.study
@pytest.mark.parametrize(
    "studied", STUDIED, ids=lambda s: s if isinstance(s, str) else s.name.lower()
)
def test_the_recommended_one_is_the_best_of_a_long_run_or_tied_with_it(studied):
    problem, names = studied, None
    if isinstance(studied, str):
        problem = problem_from(str(EXAMPLES[0].parent / f"{studied}.py"))
        names = RIVALS[studied] if studied in FEW else None
    problem, large = completed(problem), studied == "large_categorical"
    short = by_work(compare(problem, names, samples=(4,), replicates=300 if large else 10_000))
    short = short.query("eligible")
    recommended = tied_with_best(short)[0]
    best = set(short.loc[short["work_variance"] == 0, "estimator"])  # exact: nothing is better
    if recommended["variance"] > 0:
        near = short["work_variance"] <= NEAR * recommended["work_variance"]
        rivals, replicates = list(short.loc[near, "estimator"]), 600 if large else 200_000
        long = by_work(compare(problem, rivals, samples=(4,), replicates=replicates, seed=1))
        long = long.query("eligible")
        _, tied, _ = tied_with_best(long)
        best = set(long.loc[tied, "estimator"])
    assert recommended["estimator"] in best
