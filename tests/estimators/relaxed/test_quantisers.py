"""Vector and scalar quantisers: their laws, and known gradients of a quadratic in code space."""

import pytest
import torch
from torch.distributions import Independent

import estimators
from benchmarks import problems
from benchmarks.truth.exact import find_truth
from estimators.distributions import Codebook, ScalarQuantiser
from estimators.relaxed.rotation_trick import rotated

CODES = torch.tensor([[0.9, 0.1], [-0.2, 0.8], [-0.7, -0.6]], dtype=torch.float64)
VECTOR = torch.tensor([0.5, -0.2], dtype=torch.float64)  # the first code is next to it
TARGET = torch.tensor([0.2, 0.3], dtype=torch.float64)


def apart(x):
    return (x @ CODES - TARGET).square().sum(-1)


def gradient(name, samples=1, **fields):
    vector = VECTOR.clone().requires_grad_()
    surrogate = estimators.create(name, **fields).surrogate(Codebook(vector, CODES), apart, samples)
    return surrogate.detach(), torch.autograd.grad(surrogate, vector)[0]


SLOPE = 2 * (CODES[0] - TARGET)  # of the cost in the code


def test_the_rotation_is_one_and_takes_the_vector_to_its_code():
    eye = torch.eye(2, dtype=torch.float64)
    matrix = rotated(eye, VECTOR.expand(2, -1), CODES[:1].expand(2, -1)).T
    scale = CODES[0].norm() / VECTOR.norm()
    assert torch.allclose(matrix @ VECTOR, CODES[0])
    assert torch.allclose(matrix.T @ matrix, scale**2 * eye)
    assert torch.linalg.det(matrix) > 0
    value, found = gradient("rotation-trick", 3)
    assert torch.allclose(found, matrix.T @ SLOPE)
    assert torch.allclose(value, apart(torch.tensor([1.0, 0, 0]).double()))


def test_diveq_leaves_out_what_moves_the_vector_to_its_code():
    gap = CODES[0] - VECTOR
    unit = gap / gap.norm()
    value, found = gradient("diveq", deviation=0.0)
    assert torch.allclose(found, SLOPE - unit * (unit @ SLOPE))
    assert torch.allclose(value, apart(torch.tensor([1.0, 0, 0]).double()))
    torch.manual_seed(0)
    noisy = torch.stack([gradient("diveq", deviation=0.2)[1] for _ in range(40)])
    assert noisy.std(0).min() > 0.01
    with pytest.raises(ValueError, match="deviation"):
        estimators.create("diveq", deviation=-1.0)


def test_copied_gradients_are_the_slope_itself():
    assert torch.allclose(gradient("straight-through-copied")[1], SLOPE)


def test_codes_that_do_not_span_are_refused():
    vector = VECTOR.clone().requires_grad_()
    for name in ("rotation-trick", "diveq", "straight-through-copied"):
        flat = Codebook(vector, CODES[:, :1] * torch.ones(2).double())
        assert "more codes" in estimators.create(name).unsupported(flat)
    bits = torch.distributions.Bernoulli(logits=vector)
    assert "quantises no vectors" in estimators.create("diveq").unsupported(bits)


@pytest.mark.parametrize(("levels", "bounded"), [(2, False), (2, True), (3, True), (5, True)])
def test_a_scalar_quantiser_is_a_law_of_levels(levels, bounded):
    value = torch.tensor([0.3, -1.4], dtype=torch.float64)
    dist = ScalarQuantiser(value, levels, 0.4, bounded)
    points = dist.enumerate_support()
    p = dist.log_prob(points).exp()
    assert torch.allclose(p.sum(0), torch.ones(2).double(), atol=1e-12)
    assert torch.allclose((p * points).sum(0), dist.mean)
    assert torch.allclose((p * points.square()).sum(0) - dist.mean.square(), dist.variance)
    near = (points - dist.rounded).abs().argmin(0)
    assert torch.equal(dist.mode, points.gather(0, near.unsqueeze(0))[0])
    torch.manual_seed(0)
    mean = dist.sample((20_000,)).mean(0)
    assert ((mean - dist.mean).abs() < 4.5 * (dist.variance / 20_000).sqrt()).all()


def test_two_levels_without_a_bound_are_a_bernoulli():
    """P(+1) ∝ exp(−(v − 1)² / T): its logit is 4 v / T."""
    value = torch.tensor([0.3, -1.4], dtype=torch.float64)
    dist = ScalarQuantiser(value, 2, 0.7, bounded=False)
    p = dist.log_prob(torch.ones(2).double()).exp()
    assert torch.allclose(p, (4 * value / 0.7).sigmoid())


@pytest.mark.parametrize("bounded", [False, True])
def test_finite_scalar_gradients_pass_the_rounding(bounded):
    value = torch.tensor([0.3, -0.9], dtype=torch.float64, requires_grad=True)
    dist = Independent(ScalarQuantiser(value, 3, 0.4, bounded), 1)
    surrogate = estimators.create("straight-through-copied").surrogate(
        dist, lambda x: (x - 0.3).square().sum(-1)
    )
    (found,) = torch.autograd.grad(surrogate, value)
    rounded = torch.tensor([0.0, -1.0], dtype=torch.float64)  # tanh(0.3) = 0.29, tanh(−0.9) = −0.72
    inner = 1 - value.detach().tanh().square() if bounded else 1.0
    assert torch.allclose(found, 2 * (rounded - 0.3) * inner)


def test_mistakes_are_named():
    value = torch.zeros(2)
    for levels, temperature in ((1, 1.0), (3, 0.0)):
        with pytest.raises(ValueError, match="two levels or more"):
            ScalarQuantiser(value, levels, temperature)
    with pytest.raises(ValueError, match="support"):
        ScalarQuantiser(value, 3, validate_args=True).log_prob(value + 0.5)


def test_their_problems_are_exact():
    for name in ("codebook-reconstruction", "fsq-interacting", "lfq-interacting"):
        truth = find_truth(problems.load(name))
        assert truth.method == "enumeration"
        assert truth.gradient.abs().max() > 0.01
