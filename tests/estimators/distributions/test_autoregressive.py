"""Autoregressive: a law over completions, its samples, and the estimators that work on it."""

import pytest
import torch

import estimators
from benchmarks import Problem, measure
from estimators import capabilities
from estimators.distributions import Autoregressive
from estimators.distributions.autoregressive import prefix_table

GENERATOR = torch.Generator().manual_seed(2)
TABLE = torch.randn(2, 7, 3, generator=GENERATOR, dtype=torch.float64)
EOS, LENGTH = 1, 3
WORKS = (
    "reinforce",
    "reinforce-ema",
    "reinforce-exact-mean",
    "reinforce-loo",
    "reinforce-optimal",
    "self-critical",
    "sum-and-sample",
    "unordered-set",
    "enumeration",
)


def module(prefix):
    """A network that maps prefixes [*any, t] to logits [*any, 3]."""
    total = (prefix.double() + 1).sum(-1)
    return torch.stack([(total * (v + 1)).sin() for v in range(3)], -1)


@pytest.mark.parametrize(
    "dist",
    [Autoregressive(TABLE, EOS, LENGTH), Autoregressive(module, EOS, LENGTH)],
    ids=["table", "module"],
)
def test_probabilities_sum_to_one_and_samples_follow_them(dist):
    points = dist.enumerate_support()  # [15, *batch, 3]
    p = dist.log_prob(points).exp()
    torch.testing.assert_close(p.sum(0), torch.ones_like(p[0]))
    torch.testing.assert_close(capabilities.support_log_prob(dist).exp(), p)
    torch.manual_seed(0)
    drawn = dist.sample((20_000,))
    share = (drawn.unsqueeze(0) == points.unsqueeze(1)).all(-1).double().mean(1)
    z2 = ((share - p).square() / (p * (1 - p) / 20_000)).sum(0)
    assert (z2 < 40).all()  # about the 99.98 % point of χ² with 14 degrees of freedom


def test_terms_are_those_of_the_table():
    dist = Autoregressive(TABLE[0], EOS, LENGTH)
    x = torch.tensor([[0, 2, 1], [2, 1, 1], [1, 1, 1]])
    log_p = TABLE[0].log_softmax(-1)
    terms = dist.terms(x)  # prefixes: (), (0), (2), (0 0), (0 2), (2 0), (2 2)
    zero = torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(terms[0], torch.stack((log_p[0, 0], log_p[1, 2], log_p[4, 1])))
    torch.testing.assert_close(terms[1], torch.stack((log_p[0, 2], log_p[2, 1], zero)))
    assert dist.mask(x).tolist() == [[True] * 3, [True, True, False], [True, False, False]]


def test_the_mode_is_greedy():
    logits = torch.zeros(7, 3)
    logits[0, 2], logits[2, 0], logits[5, EOS] = 1.0, 1.0, 1.0
    assert Autoregressive(logits, EOS, LENGTH).mode.tolist() == [2, 0, EOS]


def test_a_module_is_its_table():
    table = prefix_table(module, 3, EOS, LENGTH)
    of_module, of_table = (Autoregressive(x, EOS, LENGTH) for x in (module, table))
    x = of_table.enumerate_support()
    torch.testing.assert_close(of_module.log_prob(x), of_table.log_prob(x))
    torch.testing.assert_close(of_module.mode, of_table.mode)


def test_expanding_changes_nothing():
    dist = Autoregressive(TABLE, EOS, LENGTH)
    x = dist.sample((5,))
    twin = dist.expand((4, 2))
    assert twin.batch_shape == (4, 2)
    torch.testing.assert_close(
        twin.log_prob(x.unsqueeze(1).expand(5, 4, 2, 3))[:, 0], dist.log_prob(x)
    )


@pytest.mark.parametrize("name", WORKS)
def test_estimators_work_on_it(name):
    problem = Problem(
        "sequences",
        {"logits": TABLE},
        lambda logits: Autoregressive(logits, EOS, LENGTH),
        lambda x: (x == 2).double().sum(-1) - (x[..., 0] == 0).double(),
    )
    found = measure(problem, name, samples=2, replicates=4_000, timed=False)
    assert found.status == "ok", found.reason
    assert found.truth_method == "enumeration"
    assert found.bias_verdict != "biased"


def test_what_does_not_apply_is_refused():
    dist = Autoregressive(TABLE, EOS, LENGTH)
    refused = [n for n in estimators.names() if estimators.create(n).unsupported(dist, 2)]
    assert {"pathwise", "gumbel-softmax", "disarm", "implicit"} <= set(refused)
    assert not set(WORKS) & set(refused)


def test_a_large_support_is_not_enumerated():
    dist = Autoregressive(torch.zeros(2**17 - 1, 3), 2, 17)
    assert capabilities.support_points(dist) is None
    assert dist.sample((2,)).shape == (2, 17)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((torch.zeros(7, 3), 3, 3), "outside of the vocabulary"),
        ((torch.zeros(6, 3), 2, 3), "make 7 prefixes"),
        ((torch.zeros(7, 3), 2, 0), "at least one token"),
        ((torch.zeros(7, 1), 0, 3), "at least two tokens"),
    ],
)
def test_mistakes_get_a_sentence(given, said):
    with pytest.raises(ValueError, match=said):
        Autoregressive(*given)
