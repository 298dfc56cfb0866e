"""Soft actor-critic on gymnasium's Pendulum: the actor's loss under a trained twin critic.

`python -m benchmarks.problems.sac` trains it again and writes its three stages; that alone needs
gymnasium. States, policy and critics are stored together.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, store
from benchmarks.problems.digits import initial, only
from benchmarks.problems.trajectories import at_stages
from estimators.distributions import TanhNormal

HIDDEN, STATES, SPACING = 32, 16, 23  # the states are SPACING moves apart
ALPHA, DISCOUNT, REWARD_SCALE = 0.2, 0.99, 0.1  # Pendulum's rewards are between −16 and 0
TARGET_RATE, LEARNING_RATE, BATCH, WARM_UP = 0.01, 1e-3, 128, 500
LARGEST_TORQUE = 2.0
POLICY = {
    "w1": (3, HIDDEN), "b1": (HIDDEN,), "w2": (HIDDEN, HIDDEN), "b2": (HIDDEN,),
    "w3": (HIDDEN, 2), "b3": (2,),
}  # fmt: skip
CRITICS = {
    "v1": (4, HIDDEN), "c1": (HIDDEN,), "v2": (HIDDEN, HIDDEN), "c2": (HIDDEN,),
    "v3": (HIDDEN, 1),
}  # fmt: skip


class Policy(nn.Module):
    """States → location and log scale of the action before tanh: a network of given weights."""

    def __init__(self, states: Tensor):
        super().__init__()
        self.register_buffer("states", states)

    def forward(self, w1, b1, w2, b2, w3, b3) -> dict[str, Tensor]:
        """λ of every state: each [B]."""
        h = nn.functional.silu(nn.functional.silu(self.states @ w1 + b1) @ w2 + b2)
        loc, log_scale = (h @ w3 + b3).unbind(-1)
        return {"loc": loc, "log_scale": 3 * log_scale.tanh() - 2}  # within (−5, 1)


def squashed(loc: Tensor, log_scale: Tensor) -> TanhNormal:
    """π(a | s): a normal squashed into (−1, 1)."""
    return TanhNormal(loc, log_scale.exp())


class ActorLoss(nn.Module):
    """α log π(a | s) − min(Q₁, Q₂)(s, a), for fixed states and critics' weights [2, …]."""

    def __init__(self, states: Tensor, critics: Weights):
        super().__init__()
        self.register_buffer("states", states)
        for name, value in critics.items():
            self.register_buffer(name, value)

    def forward(self, action: Tensor, dist: TanhNormal) -> Tensor:
        """action [K, R, B] → [K, R, B]."""
        return ALPHA * dist.log_prob(action) - self.worse(action)

    def worse(self, action: Tensor) -> Tensor:
        """min(Q₁, Q₂) of the states with actions [..., B]: [..., B]."""
        critics = dict(self.named_buffers())
        return torch.minimum(*(critic(self.states, action, critics, i) for i in (0, 1)))


def critic(states: Tensor, action: Tensor, critics: Weights, which: int) -> Tensor:
    """Q of states [B, 3] and actions [..., B]: [..., B]."""
    v1, c1, v2, c2, v3 = (critics[name][which] for name in CRITICS)
    h = states @ v1[:-1] + c1 + action.unsqueeze(-1) * v1[-1]  # [..., B, HIDDEN]
    h = nn.functional.silu(h)
    return nn.functional.silu(h @ v2 + c2) @ v3.squeeze(-1)


def training() -> Iterator[Weights]:
    """Haarnoja et al. 2018, arXiv:1812.05905, with a fixed α; a step is one move and one update."""
    policy, critics = initial(**POLICY), twins(**CRITICS)
    slow = {name: w.clone() for name, w in critics.items()}
    for leaf in (*policy.values(), *critics.values()):
        leaf.requires_grad_()
    actor, judge = (torch.optim.Adam(part.values(), LEARNING_RATE) for part in (policy, critics))
    memory = []
    for transition in transitions(policy):
        memory.append(transition)
        if len(memory) < WARM_UP:
            continue
        latest = torch.stack(memory[-SPACING * STATES :: SPACING])
        yield {"states": latest[:, :3], **policy, **critics}
        chosen = torch.randint(len(memory), (BATCH,)).tolist()
        states, action, reward, after = torch.stack([memory[i] for i in chosen]).split(
            [3, 1, 1, 3], -1
        )
        with torch.no_grad():
            dist = squashed(**Policy(after)(**policy))
            value = -ActorLoss(after, slow)(dist.sample((1,)), dist)[0]
        target = reward.squeeze(-1) + DISCOUNT * value
        q = torch.stack([critic(states, action.squeeze(-1), critics, i) for i in (0, 1)])
        step(judge, (q - target).square().sum(0).mean())
        dist = squashed(**Policy(states)(**policy))
        step(actor, ActorLoss(states, critics)(dist.rsample((1,)), dist).mean())
        for name, w in slow.items():
            w.lerp_(critics[name].detach(), TARGET_RATE)


def transitions(policy: Weights) -> Iterator[Tensor]:
    """State, action in (−1, 1), scaled reward and next state, [8], of the policy as it becomes."""
    import gymnasium

    env = gymnasium.make("Pendulum-v1")
    state, _ = env.reset(seed=0)
    while True:
        with torch.no_grad():
            dist = squashed(**Policy(torch.from_numpy(state)[None])(**policy))
            action = float(dist.sample())
        after, reward, _, ended, _ = env.step([LARGEST_TORQUE * action])
        yield torch.tensor([*state, action, REWARD_SCALE * reward, *after], dtype=torch.float32)
        state = env.reset()[0] if ended else after


def step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down the gradient of `loss` in the optimiser's own weights."""
    own = optimiser.param_groups[0]["params"]
    for leaf, gradient in zip(own, torch.autograd.grad(loss, own), strict=True):
        leaf.grad = gradient
    optimiser.step()


def twins(**shapes: tuple[int, ...]) -> Weights:
    """Two critics' weights before training: each [2, *shape]."""
    both = initial(**shapes), initial(**shapes)
    return {name: torch.stack([critic[name] for critic in both]) for name in shapes}


TRAINING = Training("sac-pendulum", training, {"start": 0, "middle": 3_000, "end": 6_000})


@at_stages(TRAINING, "sac-pendulum", "Soft actor-critic on Pendulum")
def problem(weights: Weights) -> Problem:
    """The actor's loss, summed over the states, in the policy's weights."""
    states, policy = weights["states"], only(weights, *POLICY)
    network = Policy(states)
    return Problem(
        "sac-pendulum",
        network(**policy),
        squashed,
        ActorLoss(states, only(weights, *CRITICS)),
        footprint=6 * STATES * HIDDEN,
        weights=policy,
        network=network,
    )


if __name__ == "__main__":
    store(TRAINING)
