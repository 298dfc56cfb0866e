"""Programs through `measure` and `compare`: truths, records, refusals, and the search."""

import math
import re

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical, Gamma, Independent, Normal, Poisson

from benchmarks import ProblemError, Program, compare, measure
from benchmarks.measuring.strategy_search import sentence
from benchmarks.truth.exact import find_truth
from estimators.multi_sample import importance_weighted


def graph(draw, a, m, w):
    b = draw("b", Bernoulli(logits=a))
    z = draw("z", Normal(m * b + w, 1.0))
    return (z - 1).square() * (1 + b)


AT = {"a": torch.tensor(0.2), "m": torch.tensor(0.7), "w": torch.tensor(-0.4)}
RIGHT = (0.0049503314542374, -1.5395351924749383, -2.8)
program = Program("graph", AT, graph)


def measured(strategies, samples=1, replicates=4_000, of=program, **how):
    return measure(of, strategies, samples, replicates=replicates, timed=False, **how)


def test_the_truth_is_exact():
    truth = find_truth(program)
    assert truth.method == "quadrature"
    at = {k: v.double() for k, v in AT.items()}  # 0.2 in float32 is another number
    doubled = find_truth(Program("graph", {k: v.round(decimals=7) for k, v in at.items()}, graph))
    torch.testing.assert_close(doubled.gradient, torch.tensor(RIGHT).double(), rtol=1e-6, atol=1e-7)
    assert truth.error.max() < 1e-9


def test_truths_by_enumeration_alone_and_with_two_integrals():
    def categories(draw, a):
        k = draw("k", Categorical(logits=a))
        b = draw("b", Bernoulli(logits=k * 0.5 - 0.2))
        return (k - b).square() * 1.0

    a = torch.tensor([0.1, -0.3, 0.5], dtype=torch.float64)
    found = find_truth(Program("categories", {"a": a}, categories))
    assert found.method == "enumeration"
    leaf = a.clone().requires_grad_()
    p, k = leaf.softmax(0), torch.arange(3.0).double()
    q = (k * 0.5 - 0.2).sigmoid()
    (right,) = torch.autograd.grad((p * (q * (k - 1) ** 2 + (1 - q) * k**2)).sum(), leaf)
    torch.testing.assert_close(found.gradient, right)

    def rates(draw, s):
        x = draw("x", Gamma(2.0, s))
        return draw("z", Normal(x, 1.0)).square()

    found = find_truth(Program("rates", {"s": torch.tensor(1.5).double()}, rates))
    assert abs(float(found.gradient) + 12 / 1.5**3) < 1e-4  # E = 6 / s² + 1


def test_no_exact_truth_where_a_support_has_no_end():
    def counts(draw, r):
        return draw("n", Poisson(r)) * draw("z", Normal(r, 1.0))

    assert find_truth(Program("counts", {"r": torch.tensor(2.0)}, counts)) is None


@pytest.mark.parametrize(
    ("strategies", "samples", "evaluations"),
    [
        ({"b": "reinforce", "z": "pathwise"}, 1, 1),
        ({"b": "enumeration", "z": "pathwise"}, 1, 2),
        ({"b": "disarm", "z": "pathwise"}, {"b": 2, "z": 3}, 6),
        ({"b": "enumeration", "z": "measure-valued"}, 1, 2 * 5),
        ({"b": "self-critical", "z": "pathwise"}, 1, 2),
        ({"*": "reinforce-loo"}, 4, 4),
        ("reinforce-loo", 4, 4),
    ],
    ids=str,
)
def test_evaluations_are_counted(strategies, samples, evaluations):
    found = measured(strategies, samples)
    assert (found.status, found.evaluations) == ("ok", evaluations)
    assert found.bias_verdict != "biased"


def test_a_record_names_the_strategies_in_the_order_drawn():
    found = measured({"z": "pathwise", "b": "disarm"}, {"z": 1, "b": 2}, 100)
    assert found.estimator == "b=disarm, z=pathwise"
    assert found.samples == 2
    assert '"samples": {"b": 2, "z": 1}' in found.config


def test_blocks_have_the_same_bits():
    one, two = (measured({"b": "disarm", "z": "lax"}, 2, 500) for _ in range(2))
    assert one.variance == two.variance


def test_averages_are_fitted_before_they_are_measured():
    plain, average = (measured({"b": e, "z": "pathwise"}) for e in ("reinforce", "reinforce-ema"))
    assert average.fit_evaluations == 19
    assert average.parameters["variance"][0] < 0.8 * plain.parameters["variance"][0]


@pytest.mark.parametrize(
    ("strategies", "samples", "says"),
    [
        ({"b": "pathwise", "z": "pathwise"}, 1, "Node 'b': Bernoulli has no reparameterised"),
        ({"b": "disarm", "z": "pathwise"}, 3, "Node 'b': .*pairs, not 3"),
        ({"b": "disarm"}, 2, "Node 'z' has no strategy"),
        ({"b": "reinforce", "z": "pathwise", "y": "pathwise"}, 1, "no node 'y'"),
    ],
)
def test_a_refusal_is_a_row_that_names_the_node(strategies, samples, says):
    found = measured(strategies, samples, 100)
    assert found.status == "refused"
    assert found.reason.endswith(".")
    assert re.search(says, found.reason)


def detached(draw, a, m, w):
    b = draw("b", Bernoulli(logits=a))
    z = draw("z", Normal(m * b + w, 1.0))
    return (z.detach() - 1).square() * (1 + b) + 0 * z


@pytest.mark.parametrize(
    ("strategies", "model"),
    [
        ({"b": "gumbel-softmax", "z": "pathwise"}, graph),
        ({"b": "straight-through", "z": "pathwise"}, graph),
        ({"b": "enumeration", "z": "pathwise"}, detached),
    ],
)
def test_a_wrong_strategy_is_named_by_its_bias(strategies, model):
    found = measured(strategies, 1, 40_000, Program("wrong", AT, model))
    assert found.bias_verdict == "biased"


def twice(draw, a, m, w):
    return draw("b", Bernoulli(logits=a)) + draw("b", Bernoulli(logits=a + m + w))


def sums(draw, a, m, w):
    z = draw("z", Normal((a + m + w).unsqueeze(-1), torch.ones(3)))
    return z.sum(-1)


def branches(draw, a, m, w):
    b = draw("b", Independent(Bernoulli(logits=torch.stack([a, m], -1)), 1))
    return b.sum(-1) if b > 0 else b.sum(-1) * w


def ignores(draw, a, m, w):
    b = draw("b", Bernoulli(logits=a.detach() * 0))
    return b * m + w


def mixes(draw, a, m, w):
    b = draw("b", Bernoulli(logits=a))
    return (b * m + w) - b.mean()


def narrow(draw, a, m, w):
    law = Bernoulli(logits=torch.stack([a, m], -1))  # [.., 2], a batch
    return draw("b", law) * w


def noisy(draw, a, m, w):
    b = draw("b", Bernoulli(logits=a))
    return b * m + w + torch.randn(b.shape)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (twice, "Node 'b' is drawn twice"),
        (sums, r"Node 'z' has batch_shape \(3,\).*Independent"),
        (branches, "branches on a draw"),
        (ignores, "'a' reaches neither .*node 'b' has a law without parameters"),
        (mixes, "mixes samples"),
        (narrow, r"raises RuntimeError: .*unsqueeze"),
        (noisy, "mixes samples|other values for the same samples"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_mistake_in_a_model_is_named(model, says):
    with pytest.raises(ProblemError, match=says):
        measured("reinforce", of=Program("mistaken", AT, model))


def test_modules_are_parameters():
    net = nn.Linear(2, 1)
    inputs = torch.tensor([[0.5, -1.0], [1.0, 2.0], [0.0, 0.3]])

    def model(draw, net, w):
        x = inputs.to(w)
        b = draw("b", Bernoulli(logits=net(x).squeeze(-1)))
        z = draw("z", Normal(net(torch.stack([b, 1 - b], -1)).squeeze(-1) + w.unsqueeze(-1), 1.0))
        return (z - 1).square() * (1 + b)

    of = Program("net", {"net": net, "w": torch.tensor(0.3)}, model)
    assert sorted(of.parameters) == ["net.bias", "net.weight", "w"]
    found = measured({"b": "enumeration", "z": "antithetic-pathwise"}, 2, 20_000, of)
    assert (found.status, found.bias_verdict) == ("ok", "unbiased")
    assert found.truth_method == "quadrature"


def test_an_objective_of_several_joint_draws():
    def model(draw, a, w):
        q = Normal(a, 1.0)
        x = draw("x", q)
        z = draw("z", Normal(w * x, 1.0))
        log_joint = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(x)
        return q.log_prob(x) + Normal(w * x, 1.0).log_prob(z) - log_joint

    at = {"a": torch.tensor(0.4), "w": torch.tensor(0.8)}
    of = Program("bound", at, model, None, reduction=importance_weighted)
    for strategy in ("vimco", "reinforce", "pathwise", {"*": "vimco"}):
        assert measured(strategy, 3, 200, of).status == "ok"


def test_few_combinations_are_all_measured():
    frame = compare(
        program,
        {"b": ["enumeration", "reinforce-loo"], "z": ["pathwise"]},
        samples=4,
        replicates=1_000,
    )
    assert list(frame["estimator"]) == ["b=enumeration, z=pathwise", "b=reinforce-loo, z=pathwise"]
    assert "× less variance at equal time than" in frame.attrs["sentence"]


def test_the_search_goes_node_by_node_and_ends_in_a_sentence():
    frame = compare(program, {"b": ["enumeration", "gumbel-softmax"], "z": None}, replicates=400)
    tried = frame["estimator"].str.partition(", ")
    assert set(tried[0]) == {"b=enumeration", "b=gumbel-softmax", "*=reinforce-loo"}
    assert len(frame) < 25
    last = frame.iloc[-1]
    assert last["replicates"] == 400
    words = frame.attrs["sentence"]
    assert " by " in words
    assert words.endswith(".")


def test_what_is_exact_and_what_is_biased_is_said():
    exact = measure(program, {"b": "enumeration", "z": "pathwise"}, replicates=100)
    object.__setattr__(exact, "variance", 0.0)
    biased = measure(program, {"b": "enumeration", "z": "reinforce"}, replicates=100)
    object.__setattr__(biased, "bias_verdict", "biased")
    assert sentence([exact, biased]) == (
        "b by enumeration, z by pathwise: exact, without noise. "
        "Biased: b by enumeration, z by reinforce."
    )
    assert math.isfinite(exact.seconds)


def test_a_branch_on_one_draw_is_named_too():
    def model(draw, a):
        b = draw("b", Bernoulli(logits=a))
        return draw("z", Normal(a, 1.0)).square() if b > 0 else draw("z", Normal(-a, 1.0))

    with pytest.raises(ProblemError, match="branches on a draw"):
        Program("one", {"a": torch.tensor(0.2)}, model)


def test_strategies_to_be_tried_at_no_node_are_named():
    with pytest.raises(ProblemError, match="There is no node 'q'"):
        compare(program, {"q": ["disarm"]}, replicates=100)
