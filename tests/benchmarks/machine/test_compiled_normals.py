"""The compiled loop draws NumPy's normals, bit for bit."""

import numpy as np
import pytest
import torch

from benchmarks import c_loops
from benchmarks.machine import compiled_normals
from estimators.special import loops

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)


@pytest.fixture(autouse=True)
def as_before():
    yield
    loops.bring(normals=None)


def numpys(seed, shape):
    return np.random.Generator(np.random.SFC64(seed)).standard_normal(shape)


@pytest.mark.parametrize("shape", [(), (1,), (0,), (7, 3), (300, 2, 5)])
def test_shapes(shape):
    drawn = np.empty(shape)
    compiled_normals.fill(np.random.SFC64([1, 2]), drawn)
    assert np.array_equal(drawn, numpys([1, 2], shape))


def test_ten_million_numbers_have_numpys_bits():
    """A layer's outside is met once in 90, the tail once in 3,700."""
    drawn = np.empty(10**7)
    compiled_normals.fill(np.random.SFC64(3), drawn)
    assert np.array_equal(drawn, numpys(3, 10**7))
    assert np.abs(drawn).max() > 3.66  # beyond which is the tail


def test_many_normals_of_torch_have_the_same_bits():
    def drawn():
        torch.manual_seed(0)
        return torch.ops.estimators.normals(torch.arange(4), [100, 200])

    before = drawn()
    compiled_normals.use()
    assert loops.brought("normals") is compiled_normals.fill
    assert torch.equal(drawn(), before)


def test_another_numpys_numbers_are_never_replaced(monkeypatch):
    monkeypatch.setattr(compiled_normals, "loop", lambda name: lambda *given: given[-1].fill(0))
    compiled_normals.use()
    assert loops.brought("normals") is None


def test_layers_are_those_of_the_ziggurat():
    inside, width, height = compiled_normals.layers()
    ends = width * 2.0**52
    assert inside[1] == 0
    assert abs(inside[2:] - ends[1:-1] / ends[2:] * 2.0**52).max() < 16
    assert height == pytest.approx([1, *np.exp(-(ends[1:] ** 2) / 2)])
    areas = ends[2:] * (height[1:-1] - height[2:])
    assert areas == pytest.approx(np.full(254, 0.004928673233974655), rel=1e-10)


def test_an_inside_ends_where_numpy_asks_for_another_number():
    source = np.random.SFC64(0)
    generator, state = np.random.Generator(source), source.state

    def asks_for(layer, units):
        state["state"]["state"][:] = units << 9 | layer, 0, 0, 0
        source.state = state
        generator.standard_normal()
        return source.state["state"]["state"][3]

    inside, _, _ = compiled_normals.layers()
    for layer, end in enumerate(inside.tolist()):
        assert end == 0 or asks_for(layer, end - 1) == 1
        assert asks_for(layer, end) > 1
