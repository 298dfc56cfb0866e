"""The command that is printed for an audit's record runs, and repeats the record."""

import shlex

import pytest
from click.testing import CliRunner

from benchmarks.regression.audit_command import audit_command, is_audit
from benchmarks.regression.stores import Chosen, compare_stores
from benchmarks.sequences import audit
from benchmarks.sequences.examples import small_policy
from benchmarks.store.store import Store
from gradmeter import main

ON = small_policy()
SAME = ("problem", "estimator", "config", "samples", "budget", "seed", "scale", "direction_bias")


@pytest.mark.parametrize("exact", [True, False])
def test_the_command_repeats_the_record(tmp_path, exact):
    how = {"micro_batches": (1, 2), "beta": 0.1, "scale_rewards": False, "seed": 3}
    audit("grpo", ON, 2, exact=exact, replicates=640, store=tmp_path / "first", **how)
    for number, record in enumerate(Store(tmp_path / "first")):
        again = tmp_path / str(number)
        words = shlex.split(audit_command(record))
        assert words[0] == "gradmeter"
        done = CliRunner().invoke(main, [*words[1:], "--store", str(again)])
        assert done.exit_code == 0, done.output
        (found,) = Store(again)
        assert {name: found[name] for name in SAME} == {name: record[name] for name in SAME}


def test_what_stands_in_a_file_has_no_command():
    record = {"problem": "audit:policy:kl", "estimator": "rloo", "config": "{}"}
    assert is_audit(record)
    assert audit_command(record) is None
    mine = record | {"problem": "audit:small:kl", "estimator": "mine"}
    assert audit_command(mine) is None
    assert not is_audit({"problem": "normal-quadratic"})


def test_regress_prints_it(tmp_path):
    for name, spread in (("before", "none"), ("after", "group")):
        frame = audit("grpo", ON, 2, exact=False, replicates=6400, store=tmp_path / name,
                      terms=["policy"], scale_rewards="none", padding=0)  # fmt: skip
        assert len(frame) == 1, spread
    document = compare_stores(
        str(tmp_path / "before"), str(tmp_path / "after"), Chosen((), (), ("bias",)), []
    )
    commands = {finding.reproduce for finding in document.cells}
    assert len(commands) == 1
    assert commands.pop().startswith("gradmeter audit grpo --problem small --group 2")
