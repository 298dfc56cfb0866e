"""Steps of the parameters: their known bias, their price, and what they see."""

import pytest
import torch
from replicate_moments import (
    LAMBDA,
    Z,
    gradients,
    quadratic,
    z_of_mean,
)
from torch.distributions import (
    Bernoulli,
    Normal,
)

from benchmarks import measure
from benchmarks.problems import load
from estimators import create

# Biased, in a way that is known: E x⁴ = loc⁴ + 6 loc² s² + 3 s⁴ at loc = s = 1, step h = ½.
STEP = 0.5


WIDTH = 0.15  # of normal steps, all of which must leave the scale positive


BIASED = {
    "finite-differences": (4 + 4 * STEP**2 + 12, 12 + 12 + 12 * STEP**2),
    "spsa": (  # E over signs adds ½ h² ∂loc ∂s² F = 12 loc h² and ½ h² ∂s ∂loc² F = 12 s h²
        4 + 4 * STEP**2 + 12 + 12 * STEP**2,
        12 + 12 + 12 * STEP**2 + 12 * STEP**2,
    ),
    "evolution-strategies": (  # ∇F at λ + hΔ, Δ normal
        4 * (1 + 3 * WIDTH**2) + 12 * (1 + WIDTH**2),
        12 * (1 + WIDTH**2) + 12 * (1 + 3 * WIDTH**2),
    ),
}


@pytest.mark.parametrize("name", BIASED)
def test_perturbations_have_their_known_bias(name):
    step = WIDTH if name == "evolution-strategies" else STEP
    g = gradients(create(name, step=step), 1, Normal, LAMBDA, lambda x: x**4, 1_000_000)
    assert (z_of_mean(g, BIASED[name]) < Z).all()
    assert (z_of_mean(g, (16.0, 24.0)) > Z).all()  # the exact gradient is excluded
    assert not create(name).unbiased


def test_stochastic_triples_follow_one_jump_and_charge_for_it():
    problem = load("bernoulli-10-quadratic")
    pruned = measure(problem, "stochastic-triples", replicates=2_000)
    smoothed = measure(problem, "smoothed-perturbation", replicates=2_000)
    assert (pruned.evaluations, smoothed.evaluations) == (2, 11)
    assert pruned.variance > smoothed.variance


def test_perturbing_sees_the_same_parameters_however_often_probs_was_read():
    def family(logits):
        dist = Bernoulli(logits=logits)
        assert dist.probs.shape == logits.shape  # read, and so cached
        return dist

    step = create("finite-differences")
    fresh, read = (
        gradients(step, 4, f, {"logits": 0.3}, quadratic(0.2), 1_000)
        for f in (lambda logits: Bernoulli(logits=logits), family)
    )
    assert torch.equal(fresh, read)
