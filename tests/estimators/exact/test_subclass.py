"""A subclass with a density of its own is not its parent: sums go by what it says."""

import pytest
import torch
from torch.distributions import Categorical, OneHotCategorical

import estimators
from benchmarks import Problem, measure

LOGITS = {"logits": torch.tensor([0.1, -0.2, 0.4, 0.9], dtype=torch.float64)}
PAYS = torch.tensor([1.0, 50.0, -0.5, 0.3], dtype=torch.float64)


def sharper(parent):
    """The law with half the temperature of its parent's logits."""

    class Sharp(parent):
        def _own(self):
            return parent(logits=self.logits / 0.5, validate_args=False)

        def sample(self, sample_shape=()):
            return self._own().sample(torch.Size(sample_shape))

        def log_prob(self, value):
            return self._own().log_prob(value)

    return Sharp


@pytest.mark.parametrize("name", ["enumeration", "sum-and-sample", "unordered-set"])
def test_integers(name):
    problem = Problem("sharp", LOGITS, sharper(Categorical), lambda x: PAYS[x.long()])
    found = measure(problem, name, samples=2, replicates=2_000, timed=False)
    assert found.bias_verdict in {"unbiased", "undetermined"}
    exact = torch.tensor([-0.597, 6.134, -1.745, -3.791], dtype=torch.float64)
    assert torch.allclose(torch.from_numpy(found.parameters["truth"]), exact, atol=1e-3)


def test_one_hot_points():
    leaf = LOGITS["logits"].clone().requires_grad_()
    dist = sharper(OneHotCategorical)(logits=leaf)
    loss = estimators.create("enumeration").surrogate(dist, lambda x: (x * PAYS).sum(-1))
    exact = ((2 * leaf).softmax(-1) * PAYS).sum()
    assert loss.item() == pytest.approx(exact.item())
    ours, right = (torch.autograd.grad(f, leaf, retain_graph=True)[0] for f in (loss, exact))
    assert torch.allclose(ours, right)
