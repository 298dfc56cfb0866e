"""
The temperature of a relaxation
===============================

Gumbel-softmax trades bias for noise by its temperature. How often estimates are averaged decides
which of the two costs more: the error of the mean of n is bias² + variance / n.
"""

import matplotlib.pyplot as plt
import numpy

from benchmarks import compare, problems

problem = problems.load("one-hot-quadratic")
temperatures = (0.1, 0.2, 0.5, 1.0, 2.0)
names = [f"gumbel-softmax:temperature={t:g}" for t in temperatures]
relaxed = compare(problem, names, samples=1, replicates=4000)
unbiased = compare(problem, ["reinforce"], samples=1, replicates=4000).iloc[0]
print(relaxed[["config", "variance", "bias2", "bias_verdict"]])

# %%
# Each line is one temperature; the dashed one is unbiased and wins in the end.

n = numpy.logspace(0, 5, 50)
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for temperature, row in zip(temperatures, relaxed.to_dict("records"), strict=True):
    axes.plot(n, max(row["bias2"], 0) + row["variance"] / n, label=f"temperature {temperature:g}")
axes.plot(n, unbiased["variance"] / n, "k--", label="reinforce")
axes.set(xscale="log", yscale="log", xlabel="estimates averaged", ylabel="squared error")
axes.legend(frameon=False)
plt.show()
