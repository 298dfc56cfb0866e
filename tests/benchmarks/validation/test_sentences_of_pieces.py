"""What is said of a piece that is not there, of a support that is not the samples', of λ's law."""

import pytest
import torch
from torch.distributions import Distribution, Independent, Normal, Uniform, constraints

from benchmarks import Problem, ProblemError
from benchmarks.measuring.prepare import prepare
from benchmarks.validation import law_of_network
from benchmarks.validation.sampler_checks import of_sampler
from benchmarks.validation.stein_identities import of_density

LOC = torch.tensor(0.3, dtype=torch.float64)


class Ordered(Distribution):
    """Two normals in order; what it is on, it does not declare (as zuko's TopK)."""

    arg_constraints = {"loc": constraints.real}  # noqa: RUF012
    law = 2.0  # the density's factor

    def __init__(self, loc):
        self.loc = loc
        super().__init__(loc.shape, torch.Size([2]), validate_args=False)

    def sample(self, sample_shape=()):
        x = Normal(self.loc, 1.0).sample((2, *sample_shape))
        return x.sort(0).values.movedim(0, -1)

    def log_prob(self, value):
        each = Normal(self.loc.unsqueeze(-1), 1.0).log_prob(value).sum(-1)
        return (value[..., 0] <= value[..., 1]).log() + each * self.law / 2


class Wrong(Ordered):
    """Without the order, whose density is that of another law."""

    def log_prob(self, value):
        return Normal(self.loc.unsqueeze(-1), 1.5).log_prob(value).sum(-1)


class Shifted(Uniform):
    """Whose support is that of another interval (as torchrl's TruncatedNormal)."""

    support = constraints.interval(-2.0, 0.5)


class Silent(Normal):
    """That cannot be sampled."""

    def rsample(self, sample_shape=()):
        raise NotImplementedError("Silent does not support sampling")

    sample = rsample


class Empty(Distribution):
    """Samples of no numbers (as Pyro's Unit)."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc):
        self.loc = loc
        super().__init__(loc.shape, torch.Size([0]), validate_args=False)

    def sample(self, sample_shape=()):
        return self.loc.new_empty(*sample_shape, *self.loc.shape, 0)

    def log_prob(self, value):
        return self.loc.expand(value.shape[:-1])


def test_an_end_inside_that_nobody_declares_is_no_wrong_density():
    assert list(of_density(Ordered(LOC), 40_000)) == []
    assert "not the density of the samples" in next(of_density(Wrong(LOC), 40_000))


def test_samples_outside_of_the_support_are_named():
    law = Shifted(torch.tensor(-1.0), torch.tensor(1.0), validate_args=False)
    (said,) = of_sampler(law)
    assert said.startswith("its `support` is -2 to 0.5, and samples lie outside of it, such as 0.")


@pytest.mark.parametrize(
    ("family", "says"),
    [
        (
            lambda loc: Silent(loc, 1.0),
            r"Silent.* has no `r?sample`: Silent does not support sampling; bring one, or",
        ),
        (Empty, r"hold no numbers, with event_shape \(0,\), so there is nothing to estimate"),
    ],
)
def test_what_cannot_be_sampled_is_a_sentence(family, says):
    with pytest.raises(ProblemError, match=says):
        prepare(Problem("piece", {"loc": LOC}, family, lambda x: x.sum(-1)))


def test_tensors_of_two_dtypes_are_named():
    data = torch.ones(3, dtype=torch.float32)
    with pytest.raises(ProblemError, match=r"λ is float64 here.*data\.to\(w\)"):
        prepare(Problem("mixed", {"w": torch.ones(3)}, lambda w: Normal(w @ data, 1.0), abs))


def test_the_law_behind_many_weights_is_checked_in_its_own_tensors():
    weights = torch.ones(2**14 + 1, dtype=torch.float64)

    def family(weights):
        return Independent(Normal(weights[..., :3], weights.mean(-1, keepdim=True)), 1)

    whole = Problem("many", {"weights": weights}, family, lambda x: x.sum(-1))
    law = law_of_network.at_own_tensors(whole)
    assert {k: tuple(v.shape) for k, v in law.parameters.items()} == {
        "base_dist.loc": (3,), "base_dist.scale": (3,),
    }  # fmt: skip
    copies = {k: (v.expand(5, *v.shape) + 1) for k, v in law.parameters.items()}
    moved = law.family(**copies)
    assert moved.batch_shape == (5,)
    assert torch.equal(moved.base_dist.scale, copies["base_dist.scale"])
    few = Problem("few", {"weights": weights[:4]}, family, lambda x: x.sum(-1))
    assert law_of_network.at_own_tensors(few) is few
