import torch

from benchmarks import Problem


class Kumaraswamy:  # F(x) = 1 − (1 − xᵃ)ᵇ, known by its quantiles
    def __init__(self, a, b):
        self.a, self.b = a, b

    def icdf(self, u):
        return (1 - (1 - u) ** (1 / self.b)) ** (1 / self.a)


parameters = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
problem = Problem("kumaraswamy", parameters, Kumaraswamy, lambda x: (x - 0.3).square())
