"""A whole number as λ, of JAX's frameworks: the sentence that points to a constant."""

import pytest
import torch

from benchmarks import Problem, ProblemError

AT = {"total_count": torch.tensor(6.0), "probs": torch.tensor(0.3)}


@pytest.mark.parametrize(
    "place", ["numpyro.distributions", "tensorflow_probability.substrates.jax.distributions"]
)
def test_a_number_of_trials_is_a_constant(place):
    binomial = pytest.importorskip(place).Binomial
    problem = Problem("trials", AT, binomial, torch.square)
    with pytest.raises(ProblemError, match=r"total_count of Binomial is a whole.*--constant total"):
        problem.dist()
