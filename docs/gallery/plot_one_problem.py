"""
Compare estimators on one problem
=================================

The cost cos(2x) turns within the width of a standard normal. The pathwise gradient follows every
turn, the score function only sees values between −1 and 1: here it is the quieter one.
"""

import matplotlib.pyplot as plt
import torch
from torch.distributions import Normal

from benchmarks import Problem, compare

problem = Problem(
    "cosine",
    parameters={"loc": torch.tensor(1.0), "scale": torch.tensor(1.0)},
    family=Normal,
    cost=lambda x: (2 * x).cos(),
)
names = ["pathwise", "rqmc-pathwise", "reinforce", "reinforce-loo", "measure-valued"]
frame = compare(problem, names, samples=4, replicates=2000)
print(frame[["estimator", "variance", "variance_low", "variance_high", "bias_verdict"]])

# %%
# The variance of one estimate with its 95 % interval, the quietest on top.

rows = frame.sort_values("variance")
middle = rows["variance"]
bars = [middle - rows["variance_low"], rows["variance_high"] - middle]
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
axes.errorbar(middle, rows["estimator"], xerr=bars, fmt="o")
axes.invert_yaxis()
axes.set(xscale="log", xlabel="variance of one estimate, K = 4")
plt.show()
