"""A problem with modules and data is the same problem as by hand, to rounding."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from benchmarks import Problem, Program, measure
from benchmarks.machine.random_streams import stream
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.minibatch_variance import BATCHES, data_variance
from benchmarks.measuring.prepare import prepare
from benchmarks.objective.definition import ProblemError
from benchmarks.training.outcomes import at, objective
from estimators import create

PIXELS, LATENT, BATCH = 6, 3, 32
R = 32  # also the batch: axes are told apart by more than their sizes


FIXED = nn.Linear(LATENT, 1)


def data():
    return torch.rand(BATCH, PIXELS, generator=torch.Generator().manual_seed(5))


def modules():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(PIXELS, 4), nn.Sigmoid(), nn.Linear(4, LATENT))
    decoder = nn.Sequential(nn.Linear(LATENT, 4), nn.Sigmoid(), nn.Linear(4, PIXELS))
    return {"encoder": encoder, "decoder": decoder}


LAWS = {
    "bernoulli": lambda logits: Independent(Bernoulli(logits=logits), 1),
    "normal": lambda loc: Independent(Normal(loc, 0.5), 1),
}


def misfit(logits, x):
    return (softplus(logits) - logits * x).sum(-1)


def with_modules(law, **more):
    def family(encoder, batch):
        return LAWS[law](encoder(batch))

    def cost(z, q, decoder, batch):
        return misfit(decoder(z), batch) - 0.1 * q.entropy()

    return Problem("networks", modules(), family, cost, minibatch=data(), **more)


def by_hand(law, x):
    """The same of tensors, for images x; the cost finds the decoder where the family left it."""
    x = x.double()[None]

    def mlp(x, w1, b1, w2, b2):  # axes of replicates are in front of the weights
        hidden = (x @ w1.mT + b1.unsqueeze(-2)).sigmoid()
        return hidden @ w2.mT + b2.unsqueeze(-2)

    names = ["0.weight", "0.bias", "2.weight", "2.bias"]

    def family(**weights):
        encoder = [weights[f"encoder.{name}"] for name in names]
        dist = LAWS[law](mlp(x if encoder[0].ndim > 2 else x[0], *encoder))
        family.decoder = [weights[f"decoder.{name}"] for name in names]
        return dist

    def cost(z, q):
        return misfit(mlp(z, *family.decoder), x) - 0.1 * q.entropy()

    weights = {
        f"{key}.{k}": v.detach().double() for key, m in modules().items()
        for k, v in m.named_parameters()
    }  # fmt: skip
    return Problem("networks", weights, family, cost)


@pytest.mark.parametrize(
    ("law", "name"),
    [
        ("bernoulli", "reinforce-loo"), ("bernoulli", "disarm"), ("bernoulli", "gumbel-softmax"),
        ("bernoulli", "rebar"), ("normal", "pathwise"), ("normal", "reinforce"),
        ("normal", "implicit"),
    ],
)  # fmt: skip
def test_the_gradients_are_those_by_hand(law, name):
    ours = with_modules(law).to("cpu", torch.float64)
    found = []
    for problem in (ours, by_hand(law, ours.minibatch[0])):
        with stream(11):
            found.append(problem.gradients(create(name), 4, R))
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-9)


def test_the_truth_counts_the_decoder():
    """Over all 2^LATENT codes, by plain autograd on the modules themselves."""
    problem = with_modules("bernoulli")
    found = prepare(problem).truth
    assert found.method == "enumeration"
    parts = {k: m.double() for k, m in modules().items()}
    x = problem.minibatch[0].double()
    q = LAWS["bernoulli"](parts["encoder"](x))
    codes = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * LATENT)[:, None]
    log_p = q.log_prob(codes.expand(-1, BATCH, -1))
    f = misfit(parts["decoder"](codes), x) - 0.1 * q.entropy()
    (log_p.exp() * f).sum().backward()
    exact = [w.grad.flatten() for m in parts.values() for w in m.parameters()]
    torch.testing.assert_close(found.gradient, torch.cat(exact), rtol=1e-6, atol=1e-6)
    m = measure(problem, "reinforce-loo", 4, replicates=2_000, timed=False)
    assert m.bias_verdict == "unbiased"
    assert m.evaluations == 4


def test_the_cost_follows_when_parameters_are_replaced():
    problem = with_modules("bernoulli").to("cpu", torch.float64)
    moved = at(problem, {k: torch.zeros_like(v) for k, v in problem.measured.items()})
    flat = (PIXELS - 0.1 * LATENT) * math.log(2)
    assert objective(moved) == pytest.approx(flat, abs=1e-9)
    assert objective(problem) != pytest.approx(flat, abs=1e-2)


def centred(**more):
    """∇_loc Σ_b E(z_b − x_b)² = 2 Σ (loc − x_b), so that the batches' own variance is 4 Var Σ x."""
    return Problem(
        "centred",
        {"loc": torch.tensor(1.0).double()},
        lambda loc, batch: Normal(loc.unsqueeze(-1).expand(*loc.shape, len(batch)), 1.0),
        lambda z, batch: (z - batch).square(),
        minibatch=torch.linspace(-3, 3, 200).double(),
        batch_size=8,
        **more,
    )


def test_the_noise_of_the_batch_is_that_of_the_rows_drawn():
    problem = centred()
    sums = torch.stack([problem.minibatch[i].sum() for i in range(BATCHES)])
    exact = float((2 * sums).var())
    found = data_variance(Cell(problem, None, create("pathwise"), 4, 0, torch.device("cpu")))
    assert found.low < exact < found.high
    m = measure(problem, "pathwise", replicates=500, timed=False)
    assert m.data_variance_low < exact < m.data_variance_high
    assert m.variance == pytest.approx(4 * 8, rel=0.3)  # 8 rows, each 2² Var z


def test_a_program_takes_modules_and_data_too():
    def model(draw, encoder, decoder, batch):
        z = draw("z", Independent(Bernoulli(logits=encoder(batch)), 1))
        return misfit(decoder(z), batch)

    program = Program("with-data", modules(), model, minibatch=data(), batch_size=8)
    plain = Problem(
        "without-nodes",
        modules(),
        lambda encoder, batch: LAWS["bernoulli"](encoder(batch)),
        lambda z, decoder, batch: misfit(decoder(z), batch),
        minibatch=data(),
        batch_size=8,
    )
    found = [prepare(p).truth.gradient for p in (program, plain)]
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-6)
    m = measure(program, {"z": "disarm"}, {"z": 4}, replicates=200, timed=False)
    assert m.status == "ok"
    assert m.data_variance > 0


def test_a_weight_that_nothing_depends_on_is_a_sentence():
    parts = modules()
    parts["encoder"].spare = nn.ModuleDict({"unused": nn.Linear(2, 2)})

    def family(encoder, batch):
        return LAWS["bernoulli"](encoder[2](encoder[0](batch).sigmoid()))

    problem = Problem(
        "unused", {"encoder": parts["encoder"]}, family, lambda z: z.sum(-1), minibatch=data()
    )
    with pytest.raises(ProblemError, match=r"'encoder.spare.unused.weight'.*or freeze it with"):
        prepare(problem)


def test_noise_inside_a_module_is_a_sentence():
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + torch.randn(LATENT)

    problem = Problem(
        "noisy",
        {"encoder": Noisy(PIXELS, LATENT)},
        lambda encoder, batch: LAWS["bernoulli"](encoder(batch)),
        lambda z: z.sum(-1),
        minibatch=data(),
    )
    with pytest.raises(ProblemError, match="another distribution each time"):
        prepare(problem)


def test_a_batch_without_data_is_a_sentence():
    with pytest.raises(ProblemError, match="The family takes `batch`, and there are no data"):
        Problem("none", modules(), lambda encoder, decoder, batch: None, lambda z: z)


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        (
            lambda z, q, decoder, batch: binary_cross_entropy_with_logits(
                decoder(z), batch, reduction="none"
            ),
            "expand what meets it",
        ),
        (lambda z, q, decoder, batch: FIXED(z).sum(-1) + decoder(z).sum(-1), "frozen if they are"),
        (lambda z, q, decoder, batch: misfit(decoder((z, z)), batch), "'decoder' raises TypeError"),
    ],
    ids=["not expanded", "a module beside", "a tuple"],
)
def test_a_cost_that_fails_says_how_it_would_not(cost, says):
    family = lambda encoder, batch: LAWS["bernoulli"](encoder(batch))  # noqa: E731
    with pytest.raises(ProblemError, match=says):
        prepare(Problem("wrong", modules(), family, cost, minibatch=data()))
