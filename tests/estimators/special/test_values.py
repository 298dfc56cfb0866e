"""What is said of a tensor's numbers is so."""

import torch

from estimators.special.values import is_known


def test_numbers_of_a_transformed_tensor_are_not_known():
    x, seen = torch.randn(3, requires_grad=True), []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            seen.append(is_known(grad))
            return grad

    torch.autograd.grad(Watched.apply(x).sum(), x)
    torch.autograd.grad(Watched.apply(x), x, torch.eye(3), is_grads_batched=True)
    torch.vmap(lambda y: seen.append(is_known(y)) or y)(x)
    assert seen == [True, False, False]
    assert is_known(x)
    assert not is_known(x.to("meta"))


def test_asking_breaks_no_graph():
    asks = torch.compile(lambda t: t + is_known(t), backend="eager", fullgraph=True)
    assert torch.equal(asks(torch.zeros(3)), torch.zeros(3))
