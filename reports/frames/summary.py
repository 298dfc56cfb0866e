"""What was found, in three sentences computed from the data."""

import math

import pandas

from reports.frames.rankings import headline, prepare, ranking
from reports.text.numbers import factor, percent
from reports.text.phrases import counted, listed

PLAIN = "reinforce"  # the score function without a baseline: what the others are held against


def findings(frame: pandas.DataFrame, ranked: pandas.DataFrame | None = None) -> list[str]:
    """Three sentences: what was measured, what is quietest and where not, what cannot be trusted.

    Problems are compared at one K each, the one at which most estimators can be compared.
    `ranked` is the ranking of `frame`, if it has been made already.
    """
    frame = prepare(frame)
    heads = headline(ranking(frame) if ranked is None else ranked)
    return [_measured(frame), _quietest(heads), _doubtful(frame)]


def _measured(frame: pandas.DataFrame) -> str:
    status = frame["status"].value_counts()
    samples = listed(sorted(frame["samples"].dropna().unique()), named=6)
    sentence = (
        f"{counted(frame['label'].nunique(), 'estimator')} on "
        f"{counted(frame['problem'].nunique(), 'problem')} at K = {samples}: "
        f"{counted(status.get('ok', 0), 'cell')} measured, "
        f"{status.get('refused', 0):,} refused with a reason, {status.get('error', 0):,} failed"
    )
    failed = frame.loc[frame["status"] == "error", "label"].unique()
    return sentence + (f" ({listed(failed)})." if len(failed) else ".")


def _quietest(heads: pandas.DataFrame) -> str:
    """The usual winner, by how much it wins, and where it loses."""
    wins = heads.loc[heads["tied"], ["problem", "label"]].drop_duplicates()["label"].value_counts()
    if wins.empty:
        return "No estimator could be ranked, for none was measured without being shown biased."
    winner = min(wins[wins == wins.max()].index)
    rows = heads[(heads["label"] == winner) & heads["eligible"]]
    measured, ranked = rows["problem"].nunique(), heads["problem"].nunique()
    sentence = (
        f"Of those not shown to be biased, {winner} is most often the quietest, alone or tied on "
        f"{wins[winner]} of {counted(ranked, 'problem')} (it was measured on {measured}), "
        f"{_advantage(heads, winner)}"
    )
    lost = rows[~rows["tied"]].sort_values("relative", ascending=False, kind="stable")
    best = heads[heads["rank"] == 1].set_index("problem")["label"]
    victors = lost["problem"].map(best)
    where = [
        f"to {victor} on {_losses(lost[victors == victor])}"
        for victor in victors.value_counts().index
    ]
    return sentence + (f"; it loses {listed(where)}." if where else ", and nowhere beaten.")


def _losses(lost: pandas.DataFrame) -> str:
    """The worst loss to one estimator, and how many more."""
    worst, others = lost.iloc[0], len(lost) - 1
    by = f"{factor(worst['relative'])} times the variance"
    by = "no variance there" if worst["relative"] == math.inf else by
    return f"{worst['problem']} ({by})" + (f" and {others} more" if others else "")


def _advantage(heads: pandas.DataFrame, winner: str) -> str:
    """By which factor the winner is quieter: than plain REINFORCE, or else than the runner-up."""
    eligible = heads[heads["eligible"]]
    own = eligible[eligible["label"] == winner].set_index("problem")["variance"]
    others = eligible[eligible["label"] != winner]
    rival = f"plain {PLAIN}"
    if winner == PLAIN or not (others["label"] == PLAIN).any():
        rival = "the runner-up"
    else:
        others = others[others["label"] == PLAIN]
    gains = (others.groupby("problem")["variance"].min() / own).dropna()
    if gains.empty:
        return "with nothing to compare it with"
    middle = gains.median()
    if middle < 1:
        return f"with {factor(1 / middle)} times the variance of {rival} in the median"
    return f"with {factor(middle)} times less variance than {rival} in the median"


def _doubtful(frame: pandas.DataFrame) -> str:
    """Who is biased, and what else a reader must not trust."""
    rows = frame[frame["status"] == "ok"]
    tested = rows[rows["bias_p"].notna()]
    biased = (
        rows[rows["biased"]]
        .groupby("label")["problem"]
        .nunique()
        .sort_values(ascending=False, kind="stable")
    )
    if biased.empty:
        sentence = f"No estimator was shown to be biased in {counted(len(tested), 'test')}"
    else:
        total = rows.groupby("label")["problem"].nunique()
        who = [
            f"{label} on {n} of {counted(total[label], 'problem')}" for label, n in biased.items()
        ]
        sentence = f"Shown to be biased: {listed(who)}"
    return f"{sentence}; {_unhealthy(frame)}."


def _unhealthy(frame: pandas.DataFrame) -> str:
    """Heavy tails of what was measured, and gradients that are not finite, also of what failed."""
    rows = frame[frame["status"] == "ok"]
    heavy = int(rows["heavy_tailed"].fillna(False).sum())
    sick = frame[frame["unhealthy"] > 0]
    tails = "no interval is in doubt for heavy tails"
    if heavy:
        names = listed(rows.loc[rows["heavy_tailed"].fillna(False), "label"].unique())
        tails = (
            f"{counted(heavy, 'cell')} heavy-tailed, so that the interval may be short ({names})"
        )
    if sick.empty:
        return f"{tails}; every gradient was finite"
    worst = sick.loc[sick["unhealthy"].idxmax()]
    return (
        f"{tails}; {counted(len(sick), 'cell')} with non-finite gradients, at worst "
        f"{percent(worst['unhealthy'])} ({worst['label']} on {worst['problem']})"
    )
