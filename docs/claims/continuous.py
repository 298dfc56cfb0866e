"""Claims about samples that have a derivative."""

import torch
from checking import (
    VAE,
    Finding,
    Run,
    claim,
    excluded,
    interval,
    of,
    train_command,
    trained,
    written,
)

from benchmarks import Problem
from benchmarks.measuring.measure import measure
from benchmarks.measuring.measurement import ratio
from benchmarks.objective import costs
from benchmarks.problems.trajectories import stages
from reports.pages import training
from reports.text import numbers


@claim(
    "variance",
    "Pathwise against REINFORCE on a VAE",
    "On a VAE, pathwise gradients have far less variance than score-function gradients.",
)
def variance(share: float) -> Finding:
    """On the encoder's weights, at three stages of training."""
    names = ("reinforce", "reinforce-ema", "reinforce-optimal", "reinforce-loo")
    run = Run(stages([VAE]), ("pathwise", *names), (4,), of(400, share))
    cells, rows, least, most = run.cells(), [], float("inf"), 0.0
    for problem in run.problems:
        base = cells[problem, "pathwise", 4]
        times = [ratio(cells[problem, name, 4], base) for name in names]
        least = min(least, *(t.low for t in times))
        most = max(most, *(t.value for t in times))
        rows.append([problem, interval(base, "variance"), *(numbers.interval(*t) for t in times)])
    holds = least > 1
    return Finding(
        "True of this VAE, with every baseline tried" if holds else "Not true at every stage",
        ["gradient of", "pathwise", *(f"{name}, ×" for name in names)],
        rows,
        f"Ratios are variances over pathwise's, paired by random numbers, K = 4, R = "
        f"{run.replicates}. They go up to {numbers.number(most, 2)}; no interval reaches below "
        f"{numbers.number(least, 2)}. How much of the factor is the missing baseline of plain "
        "REINFORCE, the other columns show.",
        run.command(),
    )


@claim(
    "frequency",
    "Is the pathwise gradient always the quieter one?",
    "One pathwise gradient is quieter than one score-function gradient, which cannot do "
    "without a baseline or many draws.",
)
def frequency(share: float) -> Finding:
    """Normal(1, 1), costs that bend more and more."""
    made = {"exp(−k x²)": costs.exp_quadratic, "cos(k x)": costs.cosine}
    rows, lost, cell = [], [], (4, of(100_000, share))
    for text, cost in made.items():
        for k in (0.1, 0.5, 1.0, 2.0, 4.0):
            problem = normal(f"normal-{k:g}-{cost.__name__}", cost(k))
            own = measure(problem, "pathwise", *cell, timed=False)
            others = [
                measure(problem, e, *cell, timed=False) for e in ("reinforce", "reinforce-loo")
            ]
            times = [ratio(other, own) for other in others]
            if any(t.high < 1 for t in times):
                lost.append(f"{text} at k = {k:g}")
            each = [numbers.interval(*t) for t in times]
            rows.append([text, f"{k:g}", interval(own, "variance"), *each])
    return Finding(
        "False as a rule" if lost else "True of these costs",
        ["cost", "k", "pathwise", "reinforce, ×", "reinforce-loo, ×"],
        rows,
        f"x ~ Normal(1, 1), K = 4, R = {cell[1]}. A factor below 1 means that REINFORCE is "
        f"quieter: for {', '.join(lost) or 'none of them'}. The pathwise gradient is noisy where "
        "the cost is steep, the score function where it is large: Mohamed et al. 2020, section 3, "
        "show the same.",
        "python docs/claims frequency",
    )


@claim(
    "samples",
    "One draw for each data point",
    "One draw of the code for each data point is enough while training.",
)
def samples(share: float) -> Finding:
    """Variance × K, the noise that more samples cannot take away, and the training itself."""
    run = Run(stages([VAE]), ("pathwise",), (1, 4, 16), of(400, share))
    cells, rows = run.cells(), []
    for problem in run.problems:
        for k in run.samples:
            m = cells[problem, "pathwise", k]
            per = [k * getattr(m, f"variance{end}") for end in ("", "_low", "_high")]
            data = numbers.interval(m.data_variance, m.data_variance_low, m.data_variance_high)
            rows.append([problem, str(k), interval(m, "variance"), numbers.interval(*per), data])
    worth = ", ".join(
        numbers.number(16 * cells[p, "pathwise", 16].variance / cells[p, "pathwise", 1].variance)
        for p in run.problems
    )
    frame, budget, seeds = trained(("pathwise",), run.samples, share)
    ends = {name: training.summary(frame, name) for name in training.BUDGETS}
    at = {
        name: "; ".join(f"{r['label']}: {written(r, 'objective')}" for r in part.to_dict("records"))
        for name, part in ends.items()
    }
    first, second = ends["evaluations"].iloc[0], ends["evaluations"].iloc[1]
    best = first["label"].endswith("K = 1") and second["behind_low"] > 0
    soonest = ends["seconds"].iloc[0]["label"].endswith("K = 1")
    return Finding(
        ("True at equal evaluations" if best else "Too close to call at equal evaluations")
        + ("" if soonest else "; at equal time more samples cost little and come out ahead"),
        ["gradient of", "K", "variance", "variance × K", "of the minibatch"],
        rows,
        f"Variance × K at K = 16 is {worth} times that at K = 1 (by stage): where it is 1, one "
        "evaluation is worth as much in an estimate of its own as among many. Trained from the "
        f"start at one learning rate and over {seeds} seeds, the negative ELBO comes, after "
        f"{budget.evaluations:g} evaluations per image, to {at['evaluations']}; after "
        f"{budget.seconds:g} s of processor time, to {at['seconds']}. The last column is "
        "the variance between minibatches of 64 images, which no K takes away.",
        f"{run.command()}` and `{train_command(('pathwise',), run.samples, seeds, budget)}",
    )


@claim(
    "training",
    "Low variance makes training practical",
    "A VAE can be trained in practice because its gradient is quiet; a noisy one learns slowly.",
)
def training_on_digits(share: float) -> Finding:
    """The encoder's training with each estimator at equal evaluations."""
    names = ("pathwise", "reinforce-loo", "reinforce-optimal", "reinforce")
    frame, budget, seeds = trained(names, (4,), share)
    ends = training.summary(frame, "evaluations")
    rows = [
        [r["label"], written(r, "objective"), written(r, "behind"), str(r["diverged"])]
        for r in ends.to_dict("records")
    ]
    best, second = ends.iloc[0], ends.iloc[1]
    holds = best["label"] == "pathwise" and second["behind_low"] > 0
    return Finding(
        "True: pathwise ends lowest" if holds else "Not shown at this budget",
        ["estimator", "negative ELBO", "behind the best", "diverged"],
        rows,
        f"The encoder of the digits' VAE from its start, its decoder fixed, K = 4, "
        f"{budget.evaluations:g} evaluations per image, {seeds} seeds, Adam at "
        f"{budget.learning_rate:g}: one learning rate, at which a noisy estimator may do worse "
        "than at a lower one. Less is better.",
        train_command(names, (4,), seeds, budget),
    )


@claim(
    "torch-normal",
    "torch.normal gives no gradient",
    "A draw by `torch.normal`, or by a distribution's `sample`, hands no gradient on to its "
    "parameters.",
)
def torch_normal(share: float) -> Finding:
    """Three ways to draw, and the gradient of E z² at Normal(1, 1), which is (2, 2)."""
    count, rows, kept = of(100_000, share), [], {}
    draws = {
        "torch.normal(mu, std)": torch.normal,
        "Normal(mu, std).sample()": lambda mu, std: torch.distributions.Normal(mu, std).sample(),
        "Normal(mu, std).rsample()": lambda mu, std: torch.distributions.Normal(mu, std).rsample(),
        "mu + std * torch.randn_like(std)": lambda mu, std: mu + std * torch.randn_like(std),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for name, draw in draws.items():
            mu, std = (torch.ones(count, dtype=torch.float64, requires_grad=True) for _ in range(2))
            z = draw(mu, std)
            kept[name] = z.requires_grad
            written = ["no graph"] * 2
            if z.requires_grad:
                grads = torch.autograd.grad(z.square().sum(), (mu, std))
                written = [_mean(g) for g in grads]
            rows.append([f"{name}", "yes" if z.requires_grad else "no", *written])
    silent = kept["torch.normal(mu, std)"]
    return Finding(
        "True of `sample`; of torch.normal it is worse" if silent else "True",
        ["z drawn by", "in a graph", "∂/∂mu (2 is right)", "∂/∂std (2 is right)"],
        rows,
        f"Means of {count} gradients, torch {torch.__version__}. `sample()` is detached, so that "
        "`backward()` stops with an error where nothing else has a gradient. torch.normal is not "
        "detached: it hands back gradients that are exactly zero, and training goes on without a "
        "word."
        if silent
        else f"Means of {count} gradients, torch {torch.__version__}.",
        "python docs/claims torch-normal",
    )


@claim(
    "implicit",
    "Mixtures and truncated distributions by implicit gradients",
    "Implicit differentiation extends the pathwise gradient to mixtures and truncated laws, "
    "which are not noise that is shifted and scaled.",
)
def implicit(share: float) -> Finding:
    """Unbiased, and against leave-one-out REINFORCE."""
    pair = ("implicit", "reinforce-loo")
    toys = (
        "truncated-normal-quadratic",
        "mixture-quadratic",
        "gamma-quadratic",
        "von-mises-cosine",
    )
    runs = (
        Run(toys, pair, (4,), of(100_000, share)),
        Run(("posterior-truncated", "posterior-mixture"), pair, (4,), of(20_000, share)),
    )
    rows, unbiased, noisier = [], True, []
    for run in runs:
        for problem in run.problems:
            own, other = (run.cells()[problem, name, 4] for name in pair)
            unbiased &= own.bias_verdict != "biased"
            times, tails = ratio(other, own), "heavy" if own.heavy_tailed else ""
            noisier += [problem] if times.high < 1 else []
            cells = [interval(own, "variance"), tails, numbers.interval(*times)]
            rows.append([problem, excluded(own), *cells])
    return Finding(
        ("True: no bias is seen" if unbiased else "False: a bias is seen")
        + (f", but it is noisier than REINFORCE on {', '.join(noisier)}" if noisier else ""),
        ["problem", "bias of implicit", "variance", "tails", "reinforce-loo, ×"],
        rows,
        f"K = 4, R = {runs[0].replicates} and {runs[1].replicates}. The last column is the "
        "variance of REINFORCE with the leave-one-out baseline over implicit's; below 1 it is "
        "quieter. Where tails are heavy, the variance is not known and may not exist: between the "
        "components of a mixture that hardly overlap, the implicit gradient divides by a density "
        "near zero.",
        "` and `".join(run.command() for run in runs),
    )


def normal(name: str, cost: costs.Cost) -> Problem:
    """Normal(1, 1) with a cost."""
    one = torch.tensor(1.0, dtype=torch.float64)
    return Problem(name, {"loc": one, "scale": one}, torch.distributions.Normal, cost)


def _mean(g: torch.Tensor) -> str:
    half = 1.96 * float(g.std()) / len(g) ** 0.5
    return numbers.interval(float(g.mean()), float(g.mean()) - half, float(g.mean()) + half)
