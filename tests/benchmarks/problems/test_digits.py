"""The models of digits: tiny versions are measured, trained a little, and have truths that hold."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import conv2d, interpolate, silu

from benchmarks import problems
from benchmarks.machine.random_streams import stream
from benchmarks.measuring.measure import measure
from benchmarks.problems import (
    conditional_vae,
    deterministic,
    digits,
    discrete_vae,
    hierarchical_vae,
    latent_diffusion,
    scalar_vae,
    sigmoid_belief,
    trajectories,
    vae,
    vq_vae,
)
from benchmarks.truth.exact import find_truth
from benchmarks.validation.interface_checks import check
from estimators import create, evaluate

R = 200
UNBIASED = {  # at the end of training: which unbiased estimators must not be found biased
    "vae-digits": "pathwise",
    "vae-sampled-kl": "sticking-the-landing",
    "beta-vae-4": "pathwise",
    "beta-vae-16": "pathwise",
    "conditional-vae": "pathwise",
    "conditional-vae-sampled-kl": "sticking-the-landing",
    "latent-diffusion-1e-6": "pathwise",
    "latent-diffusion-1e-2": "pathwise",
    "discrete-vae-bernoulli": "disarm",
    "discrete-vae-categorical": "reinforce-loo",
    "sigmoid-belief-1": "rebar",
    "sigmoid-belief-2": "reinforce-loo",
    "sigmoid-belief-2-first": "disarm",
    "vq-vae-1": "reinforce-loo",
    "vq-vae-0.01": "reinforce-loo",
    "fsq-vae": "local-expectation",
    "lfq-vae": "local-expectation",
    "hierarchical-vae": "pathwise",
    "deterministic": "pathwise",
}
TRAININGS = [
    vae.VAE,
    *vae.BETA_VAES.values(),
    conditional_vae.CONDITIONAL_VAE,
    *latent_diffusion.TRAININGS.values(),
    *discrete_vae.TRAININGS.values(),
    sigmoid_belief.ONE_LAYER,
    sigmoid_belief.TWO_LAYERS,
    vq_vae.VQ_VAE,
    *scalar_vae.TRAININGS.values(),
    deterministic.DETERMINISTIC,
    hierarchical_vae.HIERARCHICAL_VAE,
]
by_training = pytest.mark.parametrize("training", TRAININGS, ids=lambda t: t.name)


@pytest.mark.parametrize("name", UNBIASED)
def test_an_unbiased_estimator_is_not_found_biased_and_reaches_all_weights(name):
    problem = problems.load(f"{name}-weights@middle")
    check(problem)
    truth = find_truth(problem)
    assert truth is not None
    found = measure(problem, UNBIASED[name], 2, R, 3, timed=False)
    assert found.status == "ok", found.reason
    assert found.bias_verdict in {"unbiased", "undetermined"}, (found.bias_p, found.bias2)
    start = 0
    for key, weight in problem.weights.items():
        part = truth.gradient[start : start + weight.numel()]
        start += weight.numel()
        assert part.norm() > 0, f"no gradient reaches {key}"
    assert start == len(truth.gradient)


@by_training
def test_the_loss_falls_in_a_few_steps_and_over_the_stored_stages(training):
    few = replace(training, steps={"start": 0, "later": 12}).run()
    build = {t.name: b for t, b in BUILDERS}[training.name]
    assert loss(build(double(few["later"]))) < loss(build(double(few["start"])))
    stored = [loss(build(training.weights(stage))) for stage in training.steps]
    assert stored == sorted(stored, reverse=True)


def double(weights):
    return {name: weight.double() for name, weight in weights.items()}


def loss(problem):
    with stream(1), torch.no_grad():
        dist = problem.dist()
        return float(evaluate(problem.cost, dist.sample((R,)), dist).mean())


BUILDERS = [
    (vae.VAE, vae.vae),
    *((t, lambda w, beta=beta: vae.beta_vae(beta, w)) for beta, t in vae.BETA_VAES.items()),
    (conditional_vae.CONDITIONAL_VAE, conditional_vae.analytic),
    *(
        (t, lambda w, kl=kl: latent_diffusion.autoencoder(kl, w))
        for kl, t in latent_diffusion.TRAININGS.items()
    ),
    *(
        (t, lambda w, code=code: discrete_vae.discrete_vae(code, w))
        for code, t in discrete_vae.TRAININGS.items()
    ),
    (sigmoid_belief.ONE_LAYER, sigmoid_belief.one_layer),
    (sigmoid_belief.TWO_LAYERS, sigmoid_belief.both_layers),
    (vq_vae.VQ_VAE, lambda w: vq_vae.vq_vae("1", w)),
    *(
        (t, lambda w, kind=kind: scalar_vae.scalar_vae(kind, w))
        for kind, t in scalar_vae.TRAININGS.items()
    ),
    (deterministic.DETERMINISTIC, deterministic.deterministic),
    (hierarchical_vae.HIERARCHICAL_VAE, hierarchical_vae.hierarchical_vae),
]


def test_one_training_is_stored_as_its_command_makes_it():
    short = replace(vae.VAE, steps={"start": 0, "middle": 50}).run()
    for name, weight in vae.VAE.weights("middle").items():
        assert torch.allclose(weight, short["middle"][name].double(), atol=1e-5)


def test_the_matrices_of_latent_diffusions_decoder_are_its_convolutions():
    weights = latent_diffusion.TRAININGS["1e-4"].weights("end")
    v1, c1, v2, c2, v3, c3 = (weights[name] for name in latent_diffusion.DECODER)
    with stream(3):
        z = torch.randn(2, 3, 16, latent_diffusion.CODE, 2, 2, dtype=torch.float64)
    h = silu(conv2d(z.flatten(0, 2), v1, c1, padding=1))
    h = silu(conv2d(interpolate(h, scale_factor=2.0), v2, c2, padding=1))
    h = conv2d(interpolate(h, scale_factor=2.0), v3, c3, padding=1)
    decoded = latent_diffusion.autoencoder("1e-4", weights).cost.decode(z)
    assert torch.allclose(decoded, h.reshape(2, 3, 16, 64), rtol=0, atol=1e-13)


def test_sampled_and_analytic_divergence_have_one_objective():
    dist = problems.load("conditional-vae").dist()
    with stream(2):
        z = dist.sample((4_000,))
    analytic, sampled = (
        evaluate(problems.load(name).cost, z, dist).mean(0)
        for name in ("conditional-vae", "conditional-vae-sampled-kl")
    )
    assert torch.allclose(analytic, sampled, atol=0.2)
    assert not torch.equal(analytic, sampled)


def test_sticking_the_landing_differs_where_the_divergence_is_sampled_alone():
    for name, same in (("conditional-vae", True), ("conditional-vae-sampled-kl", False)):
        path, landing = (
            measure(problems.load(name), e, replicates=R, timed=False).variance
            for e in ("pathwise", "sticking-the-landing")
        )
        assert (path == landing) == same


def test_both_ways_to_draw_two_layers_have_one_objective():
    joint, first = problems.load("sigmoid-belief-2"), problems.load("sigmoid-belief-2-first")
    exact = [create("enumeration").surrogate(p.dist(), p.cost) for p in (joint, first)]
    assert torch.allclose(*exact, atol=1e-9)


def test_a_deterministic_network_has_an_exact_gradient_without_variance():
    problem = problems.load("deterministic-weights")
    found = measure(problem, "pathwise", replicates=R, timed=False)
    assert (found.variance, found.bias_verdict) == (0.0, "unbiased")
    assert found.truth_method == "closed form"
    refused = measure(problem, "reinforce-loo", replicates=R, timed=False)
    assert refused.status == "refused"
    assert "pathwise" in refused.reason


def test_hard_quantisation_has_no_gradient_but_at_boundaries_and_straight_through_has_one():
    shares = []
    for temperature in vq_vae.TEMPERATURES:
        gradient = find_truth(problems.load(f"vq-vae-{temperature}")).gradient
        of_vectors = gradient.reshape(-1, vq_vae.WIDTH).norm(dim=-1)
        shares.append(float((of_vectors < 1e-6).double().mean()))
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.9
    problem = problems.load("vq-vae-0.01")
    found = measure(problem, "straight-through-copied", replicates=R, timed=False)
    assert found.variance == 0
    assert found.bias2_low > 0.5 * found.gradient_norm**2


def test_straight_through_copied_hands_the_decoders_gradient_to_the_vector():
    problem = problems.load("vq-vae-1")
    vector = problem.parameters["vector"].clone().requires_grad_()
    surrogate = create("straight-through-copied").surrogate(problem.family(vector), problem.cost)
    (copied,) = torch.autograd.grad(surrogate.sum(), vector)
    codes = problem.cost.codes
    nearest = torch.cdist(vector.detach(), codes).argmin(-1)  # [B, 4]
    z = codes[nearest].requires_grad_()
    logits = digits.mlp(z.flatten(-2), *(getattr(problem.cost, n) for n in vq_vae.DECODER))
    (decoders,) = torch.autograd.grad(digits.misfit(logits, problem.cost.x).sum(), z)
    assert torch.allclose(copied, decoders, atol=1e-9)


def test_only_the_digits_vae_is_in_the_quick_suite():
    quick = {n for n in problems.names("quick") if n in trajectories.trajectories()}
    assert {n for n in quick if "vae" in n or "belief" in n or "diffusion" in n} == {
        "vae-digits-weights"
    }
