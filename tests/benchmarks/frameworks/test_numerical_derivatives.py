"""Central differences: right where a function is smooth, refused where it is not."""

import numpy as np
import pytest
import torch
from scipy import special

from benchmarks.frameworks.numerical_derivatives import Elementwise
from estimators import Unsupported


def slope(function, value, **settings):
    leaf = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(Elementwise(function, "f", ("x",), **settings)(leaf).sum(), leaf)
    return found.numpy()


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (special.gammaln, special.digamma),
        (lambda x: np.log1p(x * x), lambda x: 2 * x / (1 + x * x)),
    ],
)
def test_smooth_functions_to_ten_digits(function, derivative):
    at = np.linspace(0.05, 4, 50)
    room = {"room": lambda place, arrays: arrays[0]}  # lgamma has its end at 0
    np.testing.assert_allclose(slope(function, at, **room), derivative(at), rtol=1e-9, atol=1e-10)


def test_second_derivatives():
    leaf = torch.linspace(0.5, 2, 5, dtype=torch.float64, requires_grad=True)
    first = torch.autograd.grad(
        Elementwise(np.sin, "f", ("x",))(leaf).sum(), leaf, create_graph=True
    )[0]
    (second,) = torch.autograd.grad(first.sum(), leaf)
    torch.testing.assert_close(second, -leaf.detach().sin(), rtol=1e-6, atol=1e-6)


def test_several_arguments_broadcast():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([[0.5], [3.0]], dtype=torch.float64, requires_grad=True)
    found = Elementwise(lambda x, a: x**a, "power", ("x", "a"))(x, a)
    by_x, by_a = torch.autograd.grad(found.sum(), (x, a))
    grid = x.detach() ** a.detach()
    torch.testing.assert_close(by_x, (a.detach() * grid / x.detach()).sum(0), rtol=1e-9, atol=0)
    torch.testing.assert_close(
        by_a, (grid * x.detach().log()).sum(1, keepdim=True), rtol=1e-9, atol=1e-12
    )


def test_noise_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(Unsupported, match="no numerical derivative in x"):
        slope(lambda x: x + 1e-3 * rng.standard_normal(x.shape), np.linspace(1, 2, 20))


def test_steps_stay_within_the_room():
    seen = []

    def log(x):
        seen.append(x.min())
        return np.log(x)

    found = slope(log, np.array([1e-12, 1e-3]), room=lambda place, arrays: arrays[0])
    np.testing.assert_allclose(found, [1e12, 1e3], rtol=1e-9)
    assert min(seen) > 0
