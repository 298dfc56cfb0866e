"""Objectives of several draws at once, such as the importance-weighted bound.

A multi-sample objective E[L(f(x_1), …, f(x_K))] over K draws of p is an ordinary one over a single
draw of `Copies(p, K)`, whose cost is `Reduced(f, L)`. Every estimator may be asked for it so:

>>> bound = Reduced(lambda z, q: q.log_prob(z) - log_joint(z), importance_weighted)
>>> loss = estimators.create("vimco").surrogate(Copies(q, 5), bound)

Other reductions weigh the costs by their order: `BestOf(k)`, `TailMean(share)` (the CVaR) and
`Quantile(level)`.
"""

from estimators.distributions import Copies
from estimators.multi_sample.order_statistics import BestOf, Quantile, TailMean
from estimators.multi_sample.reduced import Reduced, importance_weighted

__all__ = ["BestOf", "Copies", "Quantile", "Reduced", "TailMean", "importance_weighted"]
