"""A planted document of a regression report."""

from planted_history import COMMITS

from benchmarks.regression.schema import VERDICTS, Acceptance, Document, Finding, Side

EVIL = "<img src=x onerror=alert(1)> | `a` **b** @someone ```\n</details> [c](http://d)"
RATIO = {"ratio": 1.107, "ratio_low": 1.092, "ratio_high": 1.123, "change": 0.107}


def finding(metric="variance", verdict="regressed", estimator="reinforce-loo", **values) -> Finding:
    """One finding; a confirmed regression of the variance, unless said."""
    known = {"problem": "toy", "estimator": estimator, "config": "{}", "samples": 4}
    known |= {"budget": 10_000, "seed": 0, "device": "cpu", "dtype": "float64"}
    known |= {"problem_version": 1, "metric": metric, "verdict": verdict}
    if metric == "variance" and verdict != "failed":
        known |= {"base_value": 12.1, "head_value": 13.4, **RATIO}
    if verdict in ("regressed", "failed"):
        known |= {"gates": True, "confirmed": True}
    known |= {"reproduce": f"gradmeter regress main HEAD -p toy -e {estimator} -K 4"}
    return Finding(**known | values)


FINDINGS = (
    finding("status", "failed", "rebar", base_value="ok", head_value="error", reason="It raises."),
    finding("bias", "regressed", "relax", base_value=0.0, head_value=0.0203, change=0.0201),
    finding(),
    finding("status", "fixed", "arm", base_value="error", head_value="ok"),
    finding("status", "new", "arms", head_value="ok"),
    finding("variance", "improved", "reinforce", ratio=0.55, ratio_low=0.54, ratio_high=0.56),
    finding("variance", "unstable", "disarm", replicates_to_decide=160_000),
    finding("speed", "regressed", "pathwise", base_value=1.1e-6, head_value=1.27e-6, gates=False,
            ratio=1.154, ratio_low=1.13, ratio_high=1.179, wall=1.16),
    finding("memory", "regressed", "pathwise", base_value=2**21, head_value=2**22, gates=False,
            ratio=2.0),
    finding("variance", "regressed", "reinforce-ema", gates=False, accepted="On purpose."),
    finding("variance", "unchanged", "implicit", ratio=1.0005),
    finding("variance", "identical", "enumeration", ratio=1.0),
)  # fmt: skip


def document(cells=FINDINGS, **values) -> dict:
    """A whole document as plain values."""
    counts = {verdict: sum(f.verdict == verdict for f in cells) for verdict in VERDICTS}
    known = {
        "verdict": "regressed",
        "sentence": "3 confirmed regressions in 12 cells.",
        "exit_status": 1,
        "base": Side("main", COMMITS[0], {}),
        "head": Side("HEAD", COMMITS[1], {}),
        "completeness": {"cells": 12, "refused": 7, "findings": len(cells), "verdicts": counts},
        "cells": list(cells),
        "minimum_effect": {"variance": {"best": 0.01, "median": 0.03, "worst": None}},
        "self_check": {"tests": 240, "below_0.05": 0.046, "below_0.01": 0.008},
        "environment": [{"field": "torch", "base": "2.9.0", "head": "2.9.1"}],
        "settings": {"fail_on": ["variance", "bias"], "margins": {"variance": 0.01}, "seed": 0},
        "accepted": [Acceptance("toy/*", "variance", "On purpose.", "abc", "2027-01-01", True, 1)],
    }
    return Document(**known | values).to_dict()
