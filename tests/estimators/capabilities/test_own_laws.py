"""A subclass with another sampler, density or support is not its parent."""

import pytest
import torch
from torch import distributions as td
from torch.distributions import Categorical, Independent, Normal, constraints

import estimators
from benchmarks import Problem, compare
from benchmarks.truth.exact import find_truth
from benchmarks.validation.interface_checks import completed
from estimators import capabilities
from estimators.capabilities import Unsupported, complete

REWARD = torch.tensor([1.0, 50.0, -0.5, 0.3], dtype=torch.float64)
LOGITS = {"logits": torch.tensor([0.1, -0.2, 0.4, 0.9])}


class Sharp(Categorical):  # at temperature 1/2
    def _own(self):
        return Categorical(logits=self.logits / 0.5, validate_args=False)

    def sample(self, sample_shape=torch.Size()):  # noqa: B008  torch's own default
        return self._own().sample(sample_shape)

    def log_prob(self, value):
        return self._own().log_prob(value)


class Faster(Categorical):  # the same density, written anew
    def log_prob(self, value):
        logits = self.logits.expand(*value.shape, self.logits.shape[-1])
        return logits.gather(-1, value.long().unsqueeze(-1)).squeeze(-1)


class Old(Categorical):  # a second policy kept as an attribute
    def __init__(self, logits):
        self.new = logits
        super().__init__(logits=torch.zeros_like(logits), validate_args=False)


class Folded(Normal):  # |x|
    support = constraints.nonnegative

    def sample(self, sample_shape=torch.Size()):  # noqa: B008
        return super().sample(sample_shape).abs()

    def log_prob(self, value):
        return torch.logaddexp(super().log_prob(value), super().log_prob(-value))


def prepared(family, cost, parameters=LOGITS):
    return completed(Problem("own", parameters, family, cost)).to("cpu", torch.float64)


def reward(x):
    return REWARD[x.long()]


SHARP = [-0.597, 6.134, -1.745, -3.791]  # ∇ Σ softmax(2 l) R


@pytest.mark.parametrize("name", ["enumeration", "reinforce-loo", "reinforce-optimal"])
def test_a_sharpened_categorical_is_not_a_categorical(name):
    torch.manual_seed(0)
    found = prepared(Sharp, reward).gradients(estimators.create(name), 4, 20_000)
    error = found.std(0) / len(found) ** 0.5 + 1e-3
    assert ((found.mean(0) - torch.tensor(SHARP)) / error).abs().max() < 4.5


def test_its_truth_is_its_own_sum():
    truth = find_truth(prepared(Sharp, reward))
    assert truth.method == "enumeration"
    assert truth.gradient.tolist() == pytest.approx(SHARP, abs=1e-3)


@pytest.mark.parametrize("name", ["gumbel-softmax", "stratified", "straight-through", "rebar"])
def test_what_is_known_of_the_parent_is_refused_with_the_reason(name):
    dist = complete(Sharp(logits=LOGITS["logits"].double().requires_grad_()))
    reason = estimators.create(name).unsupported(dist, 4)
    assert "Sharp has another `sample` and `log_prob` than Categorical" in reason


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: Independent(d, 1)])
def test_a_factor_of_a_product_neither(wrap):
    logits = LOGITS["logits"].double().expand(2, 4)
    own = wrap(complete(Sharp(logits=logits)))
    points = capabilities.support_points(own)
    log_p = capabilities.support_log_prob(own)
    exact = (2 * LOGITS["logits"].double()).log_softmax(0)
    if own.event_shape:
        exact = (exact.unsqueeze(1) + exact).flatten()
    torch.testing.assert_close(log_p.reshape(len(points), -1)[:, 0], exact)


def test_a_piece_written_anew_that_says_the_same_keeps_all_of_the_parent():
    dist = complete(Faster(logits=LOGITS["logits"].double()))
    u = torch.tensor([0.1, 0.9], dtype=torch.float64)
    assert capabilities.quantile(dist, u).tolist() == [0, 3]
    with pytest.raises(Unsupported, match="another `sample` and `log_prob`"):
        capabilities.quantile(complete(Sharp(logits=LOGITS["logits"].double())), u)


def test_a_second_policy_beside_the_parent_is_measured():
    """E[−4 R p_new(x)] over four equal classes: −∇ Σ R softmax(l)."""

    def cost(x, d):
        log_p = d.new.log_softmax(-1).expand(*x.shape, 4)
        return -REWARD[x.long()] * log_p.gather(-1, x.long()[..., None])[..., 0].exp() * 4

    problem = prepared(Old, cost)
    leaf = LOGITS["logits"].double().requires_grad_()
    exact = torch.autograd.grad(-(leaf.softmax(-1) * REWARD).sum(), leaf)[0]
    found = problem.gradients(estimators.create("reinforce-loo"), 4, 20_000)
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - exact) / error).abs().max() < 4.5


def test_a_folded_normal_is_measured_by_its_own_pieces():
    at = {"loc": torch.tensor(0.3), "scale": torch.tensor(0.8)}
    problem = Problem("folded", at, Folded, lambda x: x.square())
    names = ["pathwise", "reinforce-loo", "implicit", "antithetic-pathwise", "finite-differences"]
    frame = compare(problem, names, samples=4, replicates=2000).set_index("estimator")
    assert frame.loc[["reinforce-loo", "finite-differences"], "status"].eq("ok").all()
    assert frame.loc["reinforce-loo", "truth_method"] == "quadrature"
    assert frame.loc["reinforce-loo", "gradient_norm"] == pytest.approx(2 * 0.73**0.5, rel=1e-6)
    assert not frame["bias_verdict"].eq("biased").any()
    assert "Normal" in frame.loc["antithetic-pathwise", "reason"]
    assert "rsample" in frame.loc["pathwise", "reason"]


def test_a_subclass_that_changes_nothing_is_its_parent():
    mine = type("Mine", (td.Gamma,), {})(torch.tensor(2.0), torch.tensor(1.0))
    assert capabilities.weak_derivatives(mine, (3,)).keys() == {"concentration", "rate"}
