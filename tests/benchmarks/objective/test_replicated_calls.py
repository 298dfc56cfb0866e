"""A module with weights of its own for each replicate is that module, called once for each."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from benchmarks.objective.networks import Networks
from benchmarks.objective.replicated_calls import NetworkError

R, K, B = 3, 4, 5


class Small(nn.Module):
    """Layers that see the batch: a convolution, running statistics, and two outputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 2, 3)
        self.norm = nn.BatchNorm1d(2)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))

    def features(self, x):
        return self.drop(self.norm(self.conv(x.unsqueeze(1))).tanh())  # [B, 2, 4]

    def forward(self, x):
        h = self.features(x)
        return self.head(h), h.mean(-1)


def small():
    torch.manual_seed(0)
    module = Small().double()
    module(torch.randn(50, 6).double())  # running statistics that are not those of the start
    return module.eval()


def called(module, ranks, same=False):
    """The module with R copies of its weights, the copies, and the loop over them by hand.

    `ranks` are the axes of the input of each call without those in front.
    """
    networks = Networks({"net": module})
    copies = {k: v.expand(R, *v.shape) for k, v in networks.tensors.items()}
    if not same:
        torch.manual_seed(1)
        copies = {k: v + 0.1 * torch.randn_like(v) for k, v in copies.items()}
    copies = {k: v.detach().requires_grad_() for k, v in copies.items()}

    given = iter(ranks)

    def axes(weights):
        return lambda value: value.ndim - next(given)

    found = networks.arriving(copies, axes)["net"]
    weights = [{k.removeprefix("net."): v[r] for k, v in copies.items()} for r in range(R)]
    return found, copies, weights


def gradients(outputs, copies, extra=()):
    """Of a sum with weights that differ from number to number."""
    total = sum((o * torch.linspace(1, 2, o.numel()).reshape(o.shape)).sum() for o in outputs)
    return torch.autograd.grad(total, [*copies.values(), *extra])


@pytest.mark.parametrize("same", [True, False], ids=["equal copies", "copies that differ"])
@pytest.mark.parametrize("front", [(), (R,), (K, R), (2, K, R)], ids=str)
def test_each_replicate_is_a_call_of_its_own(front, same):
    module = small()
    net, copies, weights = called(module, [2], same)
    x = torch.randn(*front, B, 6, dtype=torch.float64, requires_grad=bool(front))
    ours = net(x)
    flat = x.reshape(-1, R, B, 6) if front else x.expand(1, R, B, 6)
    theirs = [[functional_call(module, weights[r], (y[r],)) for r in range(R)] for y in flat]
    theirs = [torch.stack([torch.stack([out[i] for out in row]) for row in theirs]) for i in (0, 1)]
    theirs = [o.reshape(*(front or (R,)), *o.shape[2:]) for o in theirs]
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
    extra = [x] if front else []
    for one, other in zip(
        gradients(ours, copies, extra), gradients(theirs, copies, extra), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_methods_submodules_and_weights_are_attributes():
    module = small()
    net, copies, weights = called(module, [2, 3])
    x = torch.randn(B, 6, dtype=torch.float64)
    h = net.features(x)  # [R, B, 2, 4]
    head = net.head(h)
    for r in range(R):
        torch.testing.assert_close(head[r], functional_call(module, weights[r], (x,))[0])
    assert net.head[1].weight is copies["net.head.1.weight"]
    assert [type(part).__name__ for part in net.head] == ["Called", "Called"]
    assert net.drop.p == 0.5


def test_inputs_follow_the_weights_in_dtype():
    module = nn.Linear(2, 1).double()
    net, _, _ = called(module, [1])
    assert net(torch.ones(2)).dtype == torch.float64


class Noisy(nn.Linear):
    def forward(self, x):
        return super().forward(x + torch.randn_like(x))


class Lawful(nn.Linear):
    def forward(self, x):
        return torch.distributions.Normal(super().forward(x), 1.0)


@pytest.mark.parametrize(
    ("module", "size", "says"),
    [
        (Noisy(2, 1), 2, "draws random numbers"),
        (Lawful(2, 1), 2, "returns Normal"),
        (nn.Linear(2, 1), 3, "raises RuntimeError for an input of shape \\(3,\\)"),
    ],
    ids=["noise inside", "a distribution", "a wrong size"],
)
def test_what_a_module_cannot_answer_is_a_sentence(module, size, says):
    net, _, _ = called(module.double(), [1])
    with pytest.raises(NetworkError, match=says):
        net(torch.ones(K, R, size))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(1, 2, batch_first=True)

    def forward(self, x):
        return self.layer(x.unsqueeze(-1))[0]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(2, 1, 4, dropout=0.0, batch_first=True)

    def forward(self, x):
        return self.layer(x.reshape(-1, 3, 2))


@pytest.mark.parametrize("kind", [Recurrent, Attention], ids=["recurrent", "attention"])
def test_layers_that_vmap_does_not_know_or_takes_a_short_cut_in(kind):
    torch.manual_seed(0)
    module = kind().double().eval()
    net, copies, weights = called(module, [2])
    x = torch.randn(2, R, B, 6, dtype=torch.float64)
    ours = net(x)
    theirs = torch.stack(
        [torch.stack([functional_call(module, weights[r], (y[r],)) for r in range(R)]) for y in x]
    )
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(gradients([ours], copies), gradients([theirs], copies), strict=True):
        torch.testing.assert_close(one, other)
