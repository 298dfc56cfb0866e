"""Claims about samples that have no derivative, and about who works where."""

from checking import Finding, Run, claim, excluded, interval, of, relative_bias

from benchmarks import catalogue
from reports.text import numbers


@claim(
    "temperature",
    "Gumbel-softmax trades bias for variance",
    "Relaxing a discrete draw costs a bias that follows the temperature.",
)
def temperature(share: float) -> Finding:
    """Bias and variance over a range of temperatures."""
    heats = ("0.1", "0.2", "0.5", "1", "2")
    names = tuple(f"gumbel-softmax:temperature={t}" for t in heats)
    toys = Run(("bernoulli-quadratic", "one-hot-quadratic"), names, (1,), of(100_000, share))
    rows, falls = [], True
    for problem in toys.problems:
        found = [toys.cells()[problem, name, 1] for name in names]
        cold, hot = found[0], found[-1]
        falls &= cold.variance_low > hot.variance_high and cold.bias2_high < hot.bias2_low
        for t, m in zip(heats, found, strict=True):
            rows.append([problem, t, relative_bias(m), interval(m, "variance"), m.bias_verdict])
    return Finding(
        "True" if falls else "Not true of all of them",
        ["problem", "temperature", "‖bias‖ / ‖g‖", "variance", "verdict"],
        rows,
        f"K = 1, R = {toys.replicates}; the truth is a sum over the support. The cooler, the "
        "noisier. What the bias does on the way depends on the cost; it need not fall at every "
        "step.",
        toys.command(),
    )


@claim(
    "straight-through",
    "Straight-through gradients: bias and no noise?",
    "A straight-through gradient never varies and is biased, its backward pass being no "
    "derivative of its forward pass.",
)
def straight_through(share: float) -> Finding:
    """With a sample in the forward pass, and with the nearest code or the arg-max there."""
    sampled, fixed = "straight-through", ("straight-through-argmax", "straight-through-copied")
    toys = Run(
        ("bernoulli-quadratic", "one-hot-quadratic"), (sampled, fixed[0]), (1,), of(100_000, share)
    )
    vae = Run(("discrete-vae-categorical@start",), (sampled, fixed[0]), (1,), of(1000, share))
    quantised = Run(("vq-vae-1@start",), (sampled, *fixed), (1,), of(1000, share))
    rows, noisy, still = [], [], []
    for run in (toys, vae, quantised):
        for (problem, name, _), m in run.cells().items():
            if m.status == "ok":
                (still if name in fixed else noisy).append(m.variance > 1e-20 * m.gradient_norm**2)
                rows.append([problem, name, interval(m, "variance"), excluded(m)])
    right = all(noisy) and not any(still)
    return Finding(
        "True of hard quantisation, false of a sampled code" if right else "Mixed",
        ["problem", "estimator", "variance", "bias"],
        rows,
        "With a sample in the forward pass the gradient varies like any other where the cost is "
        "not linear. It has no variance where nothing is drawn: the arg-max, or the nearest code "
        "of a VQ-VAE, whose gradient is copied past it. The truth is that of the stochastic code.",
        "` and `".join(run.command() for run in (toys, vae, quantised)),
    )


@claim(
    "any-distribution",
    "Who works where",
    "The score function suits every law; the pathwise gradient wants a draw that is a "
    "smooth function of noise, and so refuses Bernoulli and categorical laws.",
)
def any_distribution(share: float) -> Finding:
    """The matrix of families and estimators."""
    matrix, rows, works = catalogue.matrix(), [], {}
    for name in ("reinforce", "pathwise", "implicit"):
        works[name] = [family for family, row in matrix.items() if row[name] is None]
        refused = ", ".join(family for family in matrix if family not in works[name])
        rows.append([name, f"{len(works[name])} of {len(matrix)}", refused or "none"])
    discrete = {"Bernoulli", "Categorical", "OneHotCategorical"} & {*works["pathwise"]}
    everywhere = len(works["reinforce"]) == len(matrix)
    return Finding(
        ("The first is true" if everywhere else "The first has exceptions")
        + (", the second is false" if discrete else ", the second is true"),
        ["estimator", "families", "refused by"],
        rows,
        "REINFORCE needs a log-density that is differentiable in λ and a support that does not "
        "move with λ; what has no density, as a deterministic node, has no score. The pathwise "
        "row is torch's rsample, which goes further than location and scale: Gamma, Beta and "
        "Dirichlet have implicit gradients in it.",
        "gradmeter list --matrix --json",
    )


@claim(
    "deterministic",
    "Without noise, backpropagation is exact",
    "Where nothing is drawn there is nothing to estimate: backpropagation is the gradient.",
)
def deterministic(share: float) -> Finding:
    """An autoencoder without a stochastic node."""
    names = ("pathwise", "reinforce", "straight-through")
    run = Run(("deterministic", "deterministic-weights"), names, (1,), of(1000, share))
    rows, exact = [], run.cells()["deterministic-weights", "pathwise", 1].status == "ok"
    for (problem, name, _), m in run.cells().items():
        if m.status == "ok":
            noise, error = m.variance, max(m.bias2_high, 0.0)
            exact &= max(noise, error) < 1e-20 * m.gradient_norm**2
            shown = [numbers.number(noise), numbers.number(error**0.5 / m.gradient_norm, 1)]
        else:
            shown = ["refused", m.reason]
        rows.append([problem, name, *shown])
    return Finding(
        "True" if exact else "False",
        ["problem", "estimator", "variance", "‖bias‖ / ‖g‖, at most"],
        rows,
        f"R = {run.replicates}. What is left is the rounding of float64.",
        run.command(),
    )
