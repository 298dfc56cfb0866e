#!/usr/bin/env bash
# genjax 0.10.3: two draws by adev.normal_reparam, one after the other, have the same noise: gradient
# estimates of programs that draw more than once along paths are biased, without a warning.
#
# x ~ N(a, 1), then z ~ N(m x, 1): d E[z²] / d m = 2 m (a² + 1), at a = 0.2, m = 0.7 that is 1.456.
# With z = m x + ε of the same ε as x = a + ε it would be 2 m (a² + 1) + 2 = 3.456, and that is what
# comes out. The primitive splits its key and hands the unsplit one on to the rest of the program,
# which splits it alike. Draws by normal_reinforce, which hands on another key, are right.
#
# Seen on 2026-11-28, genjax 0.10.3, jax 0.5.3 (CPU), 200,000 estimates:
#   normal_reparam:   d E[z²] / d m is 3.44 of 1.456
#   normal_reinforce: d E[z²] / d m is 1.43 of 1.456
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet genjax==0.10.3 jax==0.5.3 jaxlib==0.5.3 numpy==1.26.4
"$folder/venv/bin/python" - <<'PYTHON'
import jax
from genjax import adev


def seen(draw):
    def program(a, m):
        x = draw(a, 1.0)
        z = draw(m * x, 1.0)
        return z * z

    estimate = adev.expectation(program).grad_estimate
    keys = jax.random.split(jax.random.key(0), 200_000)
    a, m = jax.vmap(lambda key: estimate(key, (0.2, 0.7)))(keys)
    return float(m.mean())


right = 2 * 0.7 * (0.2**2 + 1)
path, score = seen(adev.normal_reparam), seen(adev.normal_reinforce)
print(f"normal_reparam:   d E[z²] / d m is {path:.2f} of {right:.3f}")
print(f"normal_reinforce: d E[z²] / d m is {score:.2f} of {right:.3f}")
assert abs(path - right - 2) < 0.05
assert abs(score - right) < 0.15
PYTHON
