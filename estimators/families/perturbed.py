"""TopK, Plackett–Luce and users' oracles: logits plus Gumbel noise, made hard."""

from torch.distributions import OneHotCategorical

from estimators.capabilities import (
    Unsupported,
    describe,
    gumbel_logits,
    harden,
    logits,
    marginals,
    perturbed_logits,
    quantile,
    soften,
)
from estimators.distributions.gumbel_noise import perturbed
from estimators.distributions.perturbed_oracle import PerturbedOracle
from estimators.distributions.plackett_luce import OneHotPlackettLuce, PlackettLuce
from estimators.distributions.top_k import TopK

PERTURBED = (TopK, PlackettLuce, OneHotPlackettLuce, PerturbedOracle)


def _logits(dist):
    return dist.logits


def _perturbed_logits(dist, shape):
    return perturbed(dist.logits, shape)


def _harden(dist, z):
    return dist.harden(z)


def _mean(dist):
    return dist.mean


def _is_not_softened(dist, *_):
    raise Unsupported(
        f"{describe(dist)} is not softened by one sigmoid or softmax; use relaxed-top-k for TopK, "
        "neural-sort, soft-sort or gumbel-sinkhorn for OneHotPlackettLuce, or reinforce-loo."
    )


for _law in PERTURBED:
    gumbel_logits.register(_law)(_logits)
    perturbed_logits.register(_law)(_perturbed_logits)
    harden.register(_law)(_harden)
    soften.register(_law)(_is_not_softened)
    logits.register(_law)(_is_not_softened)
gumbel_logits.register(OneHotCategorical)(_logits)
for _law in (TopK, OneHotPlackettLuce):
    marginals.register(_law)(_mean)


@quantile.register(TopK)
@quantile.register(PerturbedOracle)
def _(dist, u):
    return dist.harden(_of_uniforms(dist, u))


@quantile.register(PlackettLuce)
def _(dist, u):
    if dist.k < dist.logits.shape[-1]:
        raise Unsupported(
            f"The first {dist.k} places of PlackettLuce need the noise of all "
            f"{dist.logits.shape[-1]} items, one for each coordinate is too little; rank all of "
            "them, or use reinforce-loo."
        )
    return dist.harden(_of_uniforms(dist, u))


@quantile.register(OneHotPlackettLuce)
def _(dist, u):
    return dist.harden(_of_uniforms(dist, u[..., 0]))  # a uniform for each item is enough


def _of_uniforms(dist, u):
    return dist.logits.detach() - (-u.log()).log()
