"""The workloads in JAX: `jit(vmap(grad(loss)))` over as many estimates as a block of ours."""

import os

from benchmarks.peers.interleaved_timing import Run
from benchmarks.peers.workloads import Workload, centre
from benchmarks.statistics.stopping import Plan

os.environ.setdefault(  # read when jax is imported
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)


def jax_jit_vmap(w: Workload) -> Run:
    """Compiled once outside the timing; a new key for every call."""
    import jax
    import jax.numpy as jnp

    replicates = Plan.of(100_000, w.problem.numbers(w.samples)).block
    parameters = {k: jnp.asarray(v.numpy()) for k, v in w.problem.measured.items()}
    loss = _losses(w, jax, jnp)
    each = jax.jit(lambda p, keys: jax.vmap(jax.grad(loss), in_axes=(None, 0))(p, keys))
    split = jax.jit(lambda key: (jax.random.split(key)[0], jax.random.split(key, replicates)))
    state = [jax.random.key(0, impl="rbg")]

    def run():
        state[0], keys = split(state[0])
        jax.block_until_ready(each(parameters, keys))
        return replicates

    return run


def _losses(w: Workload, jax, jnp):
    """The loss of one estimate as a function of λ and a key."""
    count = w.samples

    at = jnp.asarray(centre(w))

    def score(log_prob, sample):
        def loss(p, key):
            x = jax.lax.stop_gradient(sample(p, key))
            f = jnp.square(x - at).reshape(count, -1).sum(-1)
            b = (f.sum() - f) / (count - 1) if count > 1 else 0.0
            return ((f - b) * log_prob(p, x)).mean()

        return loss

    def normal(p, key):
        return p["loc"] + p["scale"] * jax.random.normal(key, (count, *p["loc"].shape))

    def normal_log_prob(p, x):
        return jax.scipy.stats.norm.logpdf(x, p["loc"], p["scale"]).sum(-1)

    def classes(p, key):
        drawn = jax.random.categorical(key, p["logits"], shape=(count, len(p["logits"])))
        return jax.nn.one_hot(drawn, p["logits"].shape[-1])

    def classes_log_prob(p, x):
        return (x * jax.nn.log_softmax(p["logits"])).sum((-2, -1))

    def gumbel(p, key):
        z = p["logits"] + jax.random.gumbel(key, p["logits"].shape)
        return jnp.square(jax.nn.softmax(z / 0.5) - at).sum()

    def gamma(p, key):
        x = jax.random.gamma(key, p["concentration"]) / p["rate"]
        return jnp.square(x - at).sum()

    def vae(p, key):
        network, cost = w.problem.network, w.problem.cost
        x = jnp.asarray(network.x.numpy())
        v1, c1, v2, c2 = (jnp.asarray(getattr(cost, n).numpy()) for n in ("v1", "c1", "v2", "c2"))
        hidden = jnp.tanh(x @ p["w1"] + p["b1"])
        loc, log_scale = jnp.split(hidden @ p["w2"] + p["b2"], 2, -1)
        z = loc + jnp.exp(log_scale) * jax.random.normal(key, loc.shape)
        logits = jnp.tanh(z @ v1 + c1) @ v2 + c2
        reconstruction = (jax.nn.softplus(logits) - logits * x).sum()
        divergence = (jnp.exp(2 * log_scale) + loc**2 - 1) / 2 - log_scale
        return reconstruction + divergence.sum()

    if w.problem.network is not None:
        return vae
    if "concentration" in w.problem.parameters:
        return gamma
    if w.estimator == "gumbel-softmax":
        return gumbel
    if "logits" in w.problem.parameters:
        return score(classes_log_prob, classes)
    if w.estimator == "pathwise":
        return lambda p, key: jnp.square(normal(p, key) - at).sum(-1).mean()
    return score(normal_log_prob, normal)
