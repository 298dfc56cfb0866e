"""The table of two builds asks each for its names, as the older one has them."""

import textwrap

from benchmarks.peers.build import HOME, names
from estimators import names as ours


def test_names_of_this_build():
    assert names(HOME, "estimators", "quick") == ours("quick")


def test_names_of_a_build_whose_estimators_know_no_suites(tmp_path):
    (tmp_path / "estimators.py").write_text(
        textwrap.dedent("""
        def names():
            return ["pathwise", "reinforce"]
    """)
    )
    assert names(tmp_path, "estimators", "quick") == ["pathwise", "reinforce"]
