"""Objectives of several draws: copies, reductions, VIMCO and DReG, against exact numbers."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch.distributions import Bernoulli, Gamma, Independent, Normal, OneHotCategorical

import estimators
from benchmarks import Problem, measure, problems
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.truth.exact import find_truth, truth_of_draws
from estimators import capabilities
from estimators.multi_sample import Copies, Reduced, importance_weighted

BITS, NORMAL = "importance-weighted-bits", "importance-weighted-normal"


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
def test_frullanis_integral_is_the_sum_over_all_sets_of_draws(samples):
    problem = problems.load(BITS)
    exact = truth_of_draws(problem, samples)
    summed = find_truth(replace(problem, truth="auto").drawn(samples)[0])
    assert summed.method == "enumeration"
    torch.testing.assert_close(exact.gradient, summed.gradient, rtol=0, atol=1e-12)


def test_one_draw_of_the_gaussian_model_is_the_evidence_bound():
    """−ELBO = −log s − ½ + ½ (m² + s²) + ½ ((m − 1.5)² + s²) + …: ∂m = 2m − 1.5, ∂s = 2s − 1/s."""
    exact = truth_of_draws(problems.load(NORMAL), 1).gradient
    closed = torch.tensor([2 * 0.3 - 1.5, 2 * 0.9 - 1 / 0.9]).double()
    torch.testing.assert_close(exact, closed, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "problem", "samples"),
    [
        ("vimco", BITS, 2), ("vimco", BITS, 5), ("vimco", NORMAL, 5), ("vimco-arithmetic", BITS, 3),
        ("dreg", NORMAL, 1), ("dreg", NORMAL, 2), ("dreg", NORMAL, 8), ("pathwise", NORMAL, 4),
        ("reinforce", BITS, 3), ("rebar", BITS, 2), ("implicit", NORMAL, 2),
    ],
)  # fmt: skip
def test_the_mean_is_the_gradient_of_the_bound(name, problem, samples):
    measured = measure(problems.load(problem), name, samples, 5_000, timed=False)
    assert measured.status == "ok", measured.reason
    assert measured.bias_verdict != "biased", measured.bias_p
    assert measured.evaluations == samples * (3 if name == "rebar" else 1)


def test_other_draws_make_a_quieter_credit_and_two_paths_a_quieter_weight():
    def variance(problem, name):
        return measure(problems.load(problem), name, 5, 5_000, timed=False)

    for name in ("vimco", "vimco-arithmetic"):
        assert variance(BITS, name).variance_high < variance(BITS, "reinforce").variance_low / 10
    assert variance(NORMAL, "dreg").variance_high < variance(NORMAL, "pathwise").variance_low / 10


@pytest.mark.parametrize("mean", ["geometric", "arithmetic"])
def test_vimco_by_hand(mean):
    """Mnih & Rezende 2016, equation 10: each credit is the bound less the bound without k."""
    logits = torch.tensor([0.3, -0.8]).double().requires_grad_()
    dist = Copies(Independent(Bernoulli(logits=logits), 1), 3)
    weight = torch.tensor([0.4, 1.3]).double()
    log_w = lambda x: (x * weight).sum(-1).sin()  # noqa: E731
    with stream(stream_key("vimco")):
        surrogate = estimators.create("vimco", mean=mean).surrogate(
            dist, Reduced(lambda x: -log_w(x)), 1
        )
    (found,) = torch.autograd.grad(surrogate, logits)
    with stream(stream_key("vimco")):
        x = dist.sample((1,))[0]  # [3, 2]
    w = log_w(x).exp()
    expected = torch.zeros(2).double()
    for k in range(3):
        others = torch.stack([w[j] for j in range(3) if j != k])
        stand_in = others.log().mean().exp() if mean == "geometric" else others.mean()
        credit = (w.sum() / 3).log() - ((others.sum() + stand_in) / 3).log()
        expected -= credit * (x[k] - logits.detach().sigmoid())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)


def test_dreg_by_hand():
    """Tucker et al. 2019, equation 8: Σ_k w̃_k² ∂log w_k/∂z_k ∂z_k/∂λ."""
    loc = torch.tensor(0.3).double().requires_grad_()
    scale = torch.tensor(0.9).double().requires_grad_()
    q = Normal(loc, scale)
    log_joint = lambda z: Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(z * 0 + 1.5)  # noqa: E731
    cost = Reduced(lambda z, q: q.log_prob(z) - log_joint(z))
    with stream(stream_key("dreg")):
        surrogate = estimators.create("dreg").surrogate(Copies(q, 4), cost, 1)
    found = torch.autograd.grad(surrogate, [loc, scale])
    with stream(stream_key("dreg")):
        z = q.rsample((1, 4))[0].detach().requires_grad_()
    log_w = log_joint(z) - Normal(0.3, 0.9).log_prob(z)
    (slope,) = torch.autograd.grad(log_w.sum(), z)
    path = -log_w.detach().softmax(0).square() * slope
    noise = (z.detach() - 0.3) / 0.9
    expected = path.sum(), (path * noise).sum()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("reduction", [importance_weighted, lambda f: f.mean(-1)])
def test_dreg_asks_how_much_of_the_cost_is_log_p(reduction):
    """A cost without log p, or with half of it, must not lose a score that is not there."""
    values = {"loc": torch.tensor(0.4).double(), "scale": torch.tensor(0.8).double()}
    for share in (0.0, 0.5):
        problem = Problem(
            "a share of log p",
            values,
            Normal,
            lambda x, dist, share=share: (x - 0.5).square() + share * dist.log_prob(x),
            None,
            reduction=reduction,
        )
        means = [
            measure(problem, name, 3, 60_000, timed=False).parameters
            for name in ("dreg", "pathwise")
        ]
        error = sum(m["variance"] / 60_000 for m in means) ** 0.5
        assert (abs(means[0]["mean"] - means[1]["mean"]) < 4 * error).all()


FAMILIES = {
    "Normal": lambda: Normal(torch.randn(4, 2).double(), torch.rand(4, 2).double() + 0.5),
    "Bernoulli": lambda: Independent(Bernoulli(logits=torch.randn(4, 2, 3).double()), 1),
    "OneHot": lambda: OneHotCategorical(logits=torch.randn(4, 2, 3).double()),
}


@pytest.mark.parametrize("label", FAMILIES)
def test_copies_are_independent_draws(label):
    base = FAMILIES[label]()
    dist = Copies(base, 3)
    x = dist.sample((5,))
    assert x.shape == (5, 4, 2, 3, *base.event_shape)
    each = sum(base.log_prob(x[:, :, :, k]) for k in range(3))
    torch.testing.assert_close(dist.log_prob(x), each, rtol=0, atol=1e-12)
    torch.testing.assert_close(dist.together(dist.apart(x)), x, rtol=0, atol=0)
    points = capabilities.support_table(dist)
    if points is not None:
        once = capabilities.support_table(base)
        assert len(points) == len(once) ** 3
        expected = torch.stack([torch.stack(row) for row in itertools.product(once, repeat=3)])
        assert torch.equal(points, expected)


@pytest.mark.parametrize(
    ("name", "dist", "says"),
    [
        ("vimco", Normal(torch.zeros(2), 1.0), "reduction"),
        ("dreg", Normal(torch.zeros(2), 1.0), "reduction"),
        ("vimco", Copies(Normal(torch.zeros(2), 1.0), 1), "two copies"),
        ("dreg", Copies(Bernoulli(torch.full((2,), 0.5)), 2), "vimco"),
        ("lax", Bernoulli(torch.full((2,), 0.5)), "relax"),
        ("measure-valued", Copies(Gamma(torch.ones(2), 1.0), 2), "use"),
    ],
)
def test_refusals_name_the_way_out(name, dist, says):
    reason = estimators.create(name).unsupported(dist)
    assert reason is not None
    assert says in reason


def test_what_k_makes_of_such_an_objective_is_said_with_the_refusal():
    measured = measure(problems.load(BITS), "reinforce-loo", 4, 200, timed=False)
    assert measured.status == "refused"
    assert measured.reason.endswith("(This objective makes one value of its 4 samples.)")


def test_vimco_knows_two_means():
    with pytest.raises(ValueError, match="geometric"):
        estimators.create("vimco", mean="harmonic")
