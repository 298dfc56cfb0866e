"""What RSVI and G-REP share: gamma variables through noise that leaves a score correction."""

from abc import abstractmethod

from estimators import capabilities
from estimators.core import Estimator, evaluate


class GammaReparameterisation(Estimator):
    """Pathwise gradient through noise whose own density still depends on λ, with its score.

    z = h(ε, α), ε ~ π(ε; α):   ∇_α E[f(z)] = E[∇_α f(h(ε, α))] + E[f(z) ∇_α log π(ε; α)]

    Subclasses say how a standard gamma variable z is h(ε, α), and what log π(ε; α) is.
    """

    unbiased = True

    @abstractmethod
    def variable(self, alpha, samples):
        """Standard gamma z and log π(ε; α), differentiable in α at fixed ε: [K, *α] each."""

    def surrogate(self, dist, cost, samples=1):
        log_noise = 0.0  # log π [K, *B], up to constants

        def gamma(alpha):
            nonlocal log_noise
            z, log_pi = self.variable(alpha, samples)
            log_noise = log_noise + log_pi.reshape(samples, *dist.batch_shape, -1).sum(-1)
            return z

        x = capabilities.from_gammas(dist, gamma)  # [K, *B, *E]
        f = evaluate(cost, x, dist)
        return (f + f.detach() * (log_noise - log_noise.detach())).mean(0)
