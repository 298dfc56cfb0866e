"""Control variates that are the cost's tangent, whose gradient is known."""

import torch

from estimators.core import Unsupported, evaluate

NO_DERIVATIVE = (
    "The cost has no derivative in x, which this control variate needs; use relax, "
    "reinforce-loo or another score-function estimator."
)


def value_and_slope(cost, x, dist):
    """f(x) [K, *B], differentiable in λ at fixed x, and ∇_x f(x) [K, *B, *E]; or it refuses."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        f = evaluate(cost, x, dist)
        if not f.requires_grad:
            raise Unsupported(NO_DERIVATIVE)
        slope = torch.autograd.grad(f.sum(), x, retain_graph=True, materialize_grads=True)
    return f, slope[0].detach()
