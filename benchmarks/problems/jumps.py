"""Costs that jump, and paths: each with its gradient in closed form.

Pathwise gradients are silently wrong where the cost jumps: of a digital option or of the chance to
wait they vanish, of a smooth cost with one jump they miss the jump's share.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Exponential, Independent, Normal

from benchmarks.objective.definition import Problem
from benchmarks.problems import register
from estimators.distributions import LinearDiffusion

SPOT, VOLATILITY, INTEREST, STRIKE, HORIZON, STEPS = 100.0, 0.2, 0.05, 102.0, 1.0, 10
START, RATE, DIFFUSION = 1.0, 0.3, 0.4
SERVICE, ARRIVALS = 1.2, 0.7
LOC, SCALE, JUMP, AT = 0.4, 0.8, 1.5, 0.7


def step(x: Tensor) -> Tensor:
    """1[x > 0], with a derivative that is zero, as programs have it."""
    return (1 + x.sign()) / 2


class DigitalCall:
    """exp(−interest · horizon) 1[price > strike] at the end of a path of log prices."""

    def __call__(self, x: Tensor, dist: Distribution) -> Tensor:
        return math.exp(-INTEREST * HORIZON) * step(x[..., -1] - math.log(STRIKE))

    def given_path(self, path: Tensor, last: Normal) -> Tensor:
        """The mean of the payoff over the last step."""
        level = torch.full_like(last.loc, math.log(STRIKE))
        return math.exp(-INTEREST * HORIZON) * (1 - last.cdf(level))


def log_price(spot: Tensor, volatility: Tensor) -> LinearDiffusion:
    """The path of the logarithm of a price, whose steps are exact."""
    drift = INTEREST - volatility.square() / 2
    return LinearDiffusion(spot.log(), drift=drift, noise=volatility, horizon=HORIZON, steps=STEPS)


def digital_greeks() -> dict[str, float]:
    """Price, delta and vega of a digital call: discount Φ(d₂), by Black & Scholes 1973."""
    root = VOLATILITY * math.sqrt(HORIZON)
    d2 = (math.log(SPOT / STRIKE) + INTEREST * HORIZON) / root - root / 2
    discount = math.exp(-INTEREST * HORIZON)
    density = discount * math.exp(-d2 * d2 / 2) / math.sqrt(2 * math.pi)
    return {
        "price": discount * (1 + math.erf(d2 / math.sqrt(2))) / 2,
        "delta": density / (SPOT * root),
        "vega": -density * (d2 / VOLATILITY + math.sqrt(HORIZON)),
    }


@register("digital-option")
def digital_option() -> Problem:
    """A digital call over ten exact steps: delta and vega."""
    exact = digital_greeks()
    return Problem(
        "digital-option",
        doubles(spot=SPOT, volatility=VOLATILITY),
        log_price,
        DigitalCall(),
        doubles(spot=exact["delta"], volatility=exact["vega"]),
        summary="a digital call's delta and vega: the payoff jumps, pathwise vanishes",
    )


def second_moment(x: Tensor, dist: Distribution) -> Tensor:
    """X_T² at the end of the path."""
    return x[..., -1].square()


def geometric(rate: Tensor, volatility: Tensor) -> LinearDiffusion:
    """dX = rate X dt + volatility X dW, in Euler steps."""
    start = torch.full_like(rate, START)
    return LinearDiffusion(start, rate=rate, volatility=volatility, horizon=HORIZON, steps=STEPS)


def of_euler_steps() -> dict[str, float]:
    """∇ X_0² ((1 + rate h)² + volatility² h)^N: what N Euler steps have for a mean of X_T²."""
    h = HORIZON / STEPS
    grown = (1 + RATE * h) ** 2 + DIFFUSION**2 * h
    outer = START**2 * STEPS * grown ** (STEPS - 1)
    return {"rate": outer * 2 * h * (1 + RATE * h), "volatility": outer * 2 * h * DIFFUSION}


def of_continuous_time() -> dict[str, float]:
    """∇ X_0² exp((2 rate + volatility²) T): what the equation has for a mean of X_T²."""
    value = START**2 * math.exp((2 * RATE + DIFFUSION**2) * HORIZON)
    return {"rate": 2 * HORIZON * value, "volatility": 2 * HORIZON * DIFFUSION * value}


def diffusion(name: str, truth: dict[str, float], summary: str) -> None:
    """Register the second moment of a geometric diffusion against one of its two truths."""

    @register(name)
    def build() -> Problem:
        parameters = doubles(rate=RATE, volatility=DIFFUSION)
        return Problem(
            name, parameters, geometric, second_moment, doubles(**truth), summary=summary
        )


diffusion("diffusion-euler", of_euler_steps(), "E[X_T²] of ten Euler steps, against themselves")
diffusion(
    "diffusion-continuous",
    of_continuous_time(),
    "E[X_T²] of ten Euler steps, against continuous time: every estimator has their bias",
)


def first_two(service: Tensor, arrivals: Tensor) -> Distribution:
    """The service time of one customer, and the time until the next one comes."""
    return Independent(Exponential(torch.stack((1 / service, arrivals), -1)), 1)


def wait(x: Tensor, dist: Distribution) -> Tensor:
    """How long the second customer waits: max(service − arrival, 0), continuous."""
    return (x[..., 0] - x[..., 1]).clamp_min(0)


def waits(x: Tensor, dist: Distribution) -> Tensor:
    """Whether the second customer waits: 1[service > arrival]."""
    return step(x[..., 0] - x[..., 1])


@register("queue-wait")
def queue_wait() -> Problem:
    """E wait = a s² / (1 + a s): infinitesimal perturbation analysis is right."""
    load = ARRIVALS * SERVICE
    truth = doubles(
        service=load * (2 + load) / (1 + load) ** 2, arrivals=SERVICE**2 / (1 + load) ** 2
    )
    return Problem(
        "queue-wait", doubles(service=SERVICE, arrivals=ARRIVALS), first_two, wait, truth,
        summary="two customers: the second one's waiting time, where pathwise is right",
    )  # fmt: skip


@register("queue-chance")
def queue_chance() -> Problem:
    """P(wait > 0) = a s / (1 + a s): infinitesimal perturbation analysis gives zero."""
    load = ARRIVALS * SERVICE
    truth = doubles(service=ARRIVALS / (1 + load) ** 2, arrivals=SERVICE / (1 + load) ** 2)
    return Problem(
        "queue-chance", doubles(service=SERVICE, arrivals=ARRIVALS), first_two, waits, truth,
        summary="two customers: the chance that the second one waits, where pathwise vanishes",
    )  # fmt: skip


def with_jump(x: Tensor, dist: Distribution) -> Tensor:
    """x² + jump 1[x > at]: pathwise sees the first part alone."""
    return x.square() + JUMP * step(x - AT)


def jump_share() -> dict[str, float]:
    """∇ jump P(x > at), what pathwise misses of the gradient."""
    z = (AT - LOC) / SCALE
    density = JUMP * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / SCALE
    return {"loc": density, "scale": density * z}


@register("smooth-with-jump")
def smooth_with_jump() -> Problem:
    """E[x² + jump 1[x > at]] of a normal: loc² + scale² + jump P(x > at)."""
    missed = jump_share()
    truth = doubles(loc=2 * LOC + missed["loc"], scale=2 * SCALE + missed["scale"])
    return Problem(
        "smooth-with-jump", doubles(loc=LOC, scale=SCALE), Normal, with_jump, truth,
        summary="a quadratic with one jump: pathwise misses the jump's share",
    )  # fmt: skip


def doubles(**values: float) -> dict[str, Tensor]:
    """Numbers as tensors in float64, by name."""
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
