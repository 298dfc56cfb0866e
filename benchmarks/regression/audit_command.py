"""The command that audits a loss again, from a record of its audit."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

PREFIX = "audit:"


def is_audit(record: Mapping[str, Any]) -> bool:
    """Whether a record is of `gradmeter audit`."""
    return str(record["problem"]).startswith(PREFIX)


def audit_command(record: Mapping[str, Any]) -> str | None:
    """`gradmeter audit …` for the `record` of one term; None where its loss or policy has no name.

    A function or a policy of a file is known by what it is called, not by where it stands.
    """
    from benchmarks.sequences import losses
    from benchmarks.sequences.examples import EXAMPLES
    from benchmarks.sequences.sources import TRAINERS

    policy, _, term = record["problem"].removeprefix(PREFIX).rpartition(":")
    loss = record["estimator"]
    if policy not in EXAMPLES or not (loss in losses.names() or loss.partition(":")[0] in TRAINERS):
        return None
    settings = json.loads(record["config"])
    split = {name: settings.pop(name) for name in ("micro_batches", "padding")}
    parts = ["gradmeter", "audit", loss, "--problem", policy, "--group", record["samples"]]
    parts += ["--term", term]
    for name, value in settings.items():
        said = value if isinstance(value, str) else json.dumps(value)
        parts += ["--set", f"{name}={said}"]
    for name, value in split.items():
        parts += [f"--{name.replace('_', '-')}", value]
    exact = record.get("bias2_low") is not None
    parts += ["--exact"] if exact else ["--sampled", "-R", record["budget"]]
    return shlex.join(map(str, [*parts, "--seed", record["seed"]]))
