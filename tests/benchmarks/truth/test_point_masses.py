"""A point mass of somebody's is measured as one: plain backpropagation, and no score."""

import torch
from torch.distributions import Distribution, constraints

from benchmarks import Problem, compare


class Point(Distribution):
    arg_constraints = {}  # noqa: RUF012
    has_rsample = True
    support = constraints.real

    def __init__(self, at):
        self.at = at
        super().__init__(at.shape, validate_args=False)

    def rsample(self, sample_shape=torch.Size()):  # noqa: B008  torch's own default
        return self.at.expand(sample_shape + self.at.shape)

    def log_prob(self, value):
        return (value == self.at).to(self.at).log()


def test_a_point_mass_is_backpropagation():
    problem = Problem("point", {"at": torch.tensor(0.7)}, Point, lambda x: x.square())
    frame = compare(problem, ["pathwise", "reinforce-loo"], 4, 500).set_index("estimator")
    assert frame.loc["pathwise", "truth_method"] == "closed form"
    assert frame.loc["pathwise", "gradient_norm"] == torch.tensor(0.7).double().item() * 2
    assert frame.loc["pathwise", "variance"] == 0
    assert frame.loc["pathwise", "bias_verdict"] == "unbiased"
    assert "no score" in frame.loc["reinforce-loo", "reason"]
