"""docs/choosing-and-ordering.md says what its records say."""

import re
from pathlib import Path

import pandas
import pytest

import estimators
from estimators import distributions
from reports.pages.regimes import winners

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "choosing-and-ordering.md").read_text()


def records(name):
    return pandas.read_csv(DOCS / "choosing" / f"{name}.csv", keep_default_na=False, na_values=[""])


def variances(name, at):
    return records(name).pivot_table("variance", [f"sweep_{axis}" for axis in at], "estimator")


def test_every_name_and_file_is_there():
    for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE):
        known = {*estimators.names(), "quantile-loss-limit", "cvar-loss-limit"}
        assert name in known, name
    for name in re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE):
        assert hasattr(distributions, name)
    for path in re.findall(r"\]\((choosing/[\w.]+)\)", PAGE):
        assert (DOCS / path).exists()
    for name in re.findall(r"`python docs/choosing\.py (\w+)`", PAGE):
        assert set(records(name)["estimator"]) <= set(estimators.names())


def test_the_ratios_of_subsets():
    found = variances("k", ("k", "sharpness"))
    middle = found.loc[2.0:7.0]
    assert (middle["simple"] <= middle.min(axis=1)).all()
    gain = middle["reinforce-loo"] / middle["simple"]
    assert f"{gain.min():.1f} to {gain.max():.0f} times" in PAGE
    one = (found["unordered-set"] / found["reinforce-loo"]).loc[1.0]
    assert f"{one.max():.2f} to {one.min():.2f} of" in " ".join(PAGE.split())
    biased = records("k").query("bias_verdict == 'biased' and estimator == 'simple'")
    off = biased["direction_bias"]
    assert f"{100 * off.min():.0f} to {100 * off.max():.0f} %" in PAGE


def test_the_ratios_of_rankings():
    found = variances("sharpness", ("sharpness", "n"))
    share = found["pl-rank"] / found["reinforce"]
    assert f"{share.min():.2f} to {share.max():.2f} of `reinforce`'s" in PAGE
    assert (found["pl-rank"] / found["reinforce-loo"]).min() == pytest.approx(9, abs=0.5)


def test_who_wins():
    won = winners(records("sharpness")).set_index(["sweep_sharpness", "sweep_n"])["best"]
    assert (won.xs(3.0, level=1) == "unordered-set").all()
    assert won[10.0, 5.0] == "unordered-set"
    assert set(won) == {"unordered-set", "reinforce-loo"}
    chosen = winners(records("k")).set_index(["sweep_k", "sweep_sharpness"])["best"]
    assert (chosen.loc[1.0] == "unordered-set").all()
    assert chosen[5.0, 0.3] == "reinforce-loo"
