"""Print the tables of docs/sequences.md: `python docs/audits.py`; trainers where installed."""

import importlib.util
import math

from benchmarks.sequences import audit, losses
from benchmarks.sequences.examples import addition_policy, small_policy

ON, LAGGING = small_policy(), small_policy(lagging=True)
GROUP = 3
STAGES = ("early", "middle", "end")  # of the transformer that adds
REPLICATES = 4096
BETA = 0.1
KIND = "loss_type"
TRAINERS = {
    "trl": [
        ("trl:grpo", {}),
        *(("trl:grpo", {KIND: kind}) for kind in ("grpo", "bnpo", "dr_grpo", "cispo")),
        ("trl:rloo", {"beta": 0.0}),
    ],
    "verl": [
        *((f"verl:{name}", {}) for name in ("grpo", "rloo", "opo", "gspo", "cispo")),
        ("verl:rloo", {"loss_agg_mode": "seq-mean-token-sum"}),
    ],
    "openrlhf": [
        *(
            (f"openrlhf:{name}", {})
            for name in ("reinforce", "reinforce_baseline", "rloo", "group_norm", "dr_grpo")
        ),
        ("openrlhf:flash_reinforce", {}),
        ("openrlhf:gspo", {}),
        ("openrlhf:rloo", {"algo.kl.use_loss": True, "algo.kl.unbiased_gradient": True}),
    ],
}
KL = {
    "trl": {"beta": BETA},
    "verl": {"use_kl_loss": True, "kl_loss_coef": BETA},
    "openrlhf": {"algo.kl.init_coef": BETA},
}


def cell(row) -> str:
    """The angle and the length of one row."""
    if row["verdict"] == "no truth":
        return "–"
    if row["scale"] <= 1e-12:
        return "noise only" if abs(row["scale"]) <= 1e-12 else "points away"
    angle = math.degrees(math.asin(row["direction_bias"]))
    turned = "0°" if angle < 1e-6 else f"{angle:.0f}°" if angle >= 1 else f"{angle:.1g}°"
    return f"{turned}, × {row['scale']:.3g}"


def line(name: str, settings: dict) -> str:
    """One loss: on-policy, under a lagging sampler, split in three, and its KL term."""
    kl = KL.get(name.partition(":")[0], {"beta": BETA})
    on = audit(name, ON, GROUP, terms=["policy"], micro_batches=(1, GROUP), **settings)
    lagging = audit(name, LAGGING, GROUP, terms=["policy"], **settings).iloc[0]
    divergence = audit(name, ON, GROUP, terms=["kl"], **(settings | kl)).iloc[0]
    moved = f"{100 * on.iloc[1]['change']:.2g} %" if on.iloc[1]["change"] > 1e-9 else "not at all"
    said = " ".join(f"--set {k}={str(v).lower()}" for k, v in settings.items())
    cells = [cell(on.iloc[0]), cell(lagging), moved, cell(divergence)]
    return f"| `{f'{name} {said}'.strip()}` | {' | '.join(cells)} |"


def sampled_cell(row) -> str:
    """The angle with its 95 % interval, and the length, of one row."""
    ends = (row[f"direction_bias{end}"] for end in ("", "_low", "_high"))
    value, low, high = (math.degrees(math.asin(min(end, 1.0))) for end in ends)
    return f"{value:.0f}° [{low:.0f}, {high:.0f}], × {row['scale']:.2g}"


def of_weights() -> None:
    """Every loss of ours over the weights of `sequence-addition`, by stage and sampler."""
    laws = [(stage, lagging) for lagging in (False, True) for stage in STAGES]
    policies = [addition_policy(*law) for law in laws]
    heads = [f"{stage}{', lagging' if lagging else ''}" for stage, lagging in laws]
    print(f"\n| loss | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for name in losses.names():
        rows = [
            audit(name, policy, terms=["policy"], replicates=REPLICATES).iloc[0]
            for policy in policies
        ]
        print(f"| `{name}` | {' | '.join(map(sampled_cell, rows))} |", flush=True)


def main() -> None:
    """Ours, then the trainers that are installed."""
    print("| loss | on-policy | sampler lagging | split in three moves it by | its KL term |")
    print("|---|---|---|---|---|")
    for name in losses.names():
        print(line(name, {}))
    for package, cases in TRAINERS.items():
        if importlib.util.find_spec(package):
            for name, settings in cases:
                print(line(name, settings), flush=True)
    print("\n| correction of `rloo` | sampler lagging |\n|---|---|")
    for correction in ("none", "token", "prefix", "sequence"):
        for bound, cap in (("none", 2), ("truncate", 2), ("mask", 2)):
            if correction == "none" and bound != "none":
                continue
            how = {"correction": correction, "bound": bound, "cap": cap}
            row = audit("rloo", LAGGING, GROUP, terms=["policy"], **how).iloc[0]
            print(
                f"| {correction}{'' if bound == 'none' else f', {bound} at {cap}'} | {cell(row)} |"
            )
    of_weights()


if __name__ == "__main__":
    main()
