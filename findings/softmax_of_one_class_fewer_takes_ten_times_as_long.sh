#!/usr/bin/env bash
# torch 2.13.0 on a CPU: a float32 softmax over 15 classes takes more than ten times as long as one
# over 16.
#
# Rows shorter than a vector of the processor (16 numbers with AVX-512, 8 with AVX2) are loaded and
# stored number by number. With AVX2 in place of AVX-512 the same 15 classes are quick, so that more
# modern instructions make a softmax of 8 to 15 classes slower. The same by hand, exp and a sum, is
# not affected. The backward pass goes the same way; float64 has no such step.
#
# Seen on 2026-11-30, torch 2.13.0 (CPU), Python 3.11, AMD EPYC with AVX-512; nanoseconds a row of
# 20,000, the least of 30:
#   AVX512: 15 classes 177, 16 classes 13; by hand 33 and 30
#   AVX2: 15 classes 20, 16 classes 15; by hand 33 and 30
#   AVX2: 7 classes 81, 8 classes 10; by hand 18 and 20
# Times depend on the machine. That one class fewer takes at least three times as long must hold.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/classes.py" <<'PYTHON'
import sys
import time

import torch

ROWS = 20_000
torch.set_num_threads(1)
capability = torch.backends.cpu.get_cpu_capability()


def by_hand(z):
    each = (z - z.amax(-1, keepdim=True)).exp()
    return each / each.sum(-1, keepdim=True)


def nanoseconds(softmax, classes):
    z, found = torch.randn(ROWS, classes), []
    for _ in range(30):
        start = time.thread_time_ns()
        softmax(z)
        found.append((time.thread_time_ns() - start) / ROWS)
    return min(found)


for lanes in map(int, sys.argv[1:]):
    pair = lanes - 1, lanes
    fewer, whole = (nanoseconds(lambda z: z.softmax(-1), n) for n in pair)
    ours = [nanoseconds(by_hand, n) for n in pair]
    print(f"{capability}: {pair[0]} classes {fewer:.0f}, {pair[1]} classes {whole:.0f}; "
          f"by hand {ours[0]:.0f} and {ours[1]:.0f}")
    ratio = fewer / whole
    assert ratio > 3 if lanes == {"AVX512": 16, "AVX2": 8}[capability] else ratio < 3, ratio
    assert ours[0] / ours[1] < 3
PYTHON
if grep -qw avx512f /proc/cpuinfo; then "$folder/venv/bin/python" "$folder/classes.py" 16; fi
ATEN_CPU_CAPABILITY=avx2 "$folder/venv/bin/python" "$folder/classes.py" 16 8
