"""The maps of docs/gallery.md: `python docs/gallery.py` measures and draws them again."""

import shlex
import subprocess
import tempfile
from pathlib import Path

import pandas

from reports.pages.regimes import regime_map, winners

HERE = Path(__file__).parent
ALSO = "-e pathwise -e implicit -e reinforce -e reinforce-loo -e measure-valued"
DISCRETE = "-e reinforce-loo -e disarm -e arms -e rebar -e reinforce-optimal -e stratified"
RELAXED = " ".join(f"-e gumbel-softmax:temperature={t}" for t in (0.1, 0.5, 1))
MAPS = {
    "frequency": (
        "A normal under cos(x), by its mean and scale",
        f"torch.distributions:Normal loc=1 scale=1 --cost cosine {ALSO} "
        "--sweep loc=-3:3:7 --sweep scale=0.1,0.3,1,3,10",
    ),
    "concentration": (
        "A gamma under x², by its concentration and rate",
        f"torch.distributions:Gamma concentration=1 rate=1 --cost quadratic {ALSO} "
        "--sweep concentration=0.1,0.3,1,3,10,100 --sweep rate=0.1,1,10",
    ),
    "probability": (
        "A Bernoulli under |x − 0.45|³, from p near 0 to p near 1",
        f"torch.distributions:Bernoulli logits=0 --cost power {DISCRETE} --sweep logits=-6:6:9",
    ),
    "temperature": (
        "Gumbel-softmax at three temperatures against unbiased estimators, by the logit",
        f"torch.distributions:Bernoulli logits=0 --cost power {RELAXED} -e reinforce-loo "
        "-e disarm --sweep logits=-4:4:9",
    ),
}


def main() -> None:
    """Measure and draw every map, and write the page."""
    lines = ["# Who wins where", "", "At equal time, among estimators not shown to be biased;"]
    lines += [
        "statistically tied estimators share a cell. `python docs/gallery.py` makes this.",
        "",
    ]
    for name, (title, arguments) in MAPS.items():
        frame = measured(f"compare {arguments} -K 4 -R 4000")
        regime_map(frame).savefig(HERE / "gallery" / f"{name}.png", dpi=110)
        lines += [f"## {title}", "", f"![{title}](gallery/{name}.png)", "", summary(frame), ""]
        lines += [f"`gradmeter compare {arguments} -K 4 -R 4000 --out map.html`", ""]
    (HERE / "gallery.md").write_text("\n".join(lines))


def measured(command: str) -> pandas.DataFrame:
    """The rows of a `gradmeter` command."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "map.csv"
        subprocess.run(["gradmeter", *shlex.split(command), "--out", out], check=True)
        return pandas.read_csv(out, keep_default_na=False, na_values=[""])


def summary(frame: pandas.DataFrame) -> str:
    """How often each estimator is best, alone or tied."""
    won = winners(frame)
    best = won["best"].value_counts()
    alone = won[won["tied"].str.len() == 0]["best"].value_counts()
    parts = (f"{name} {count} ({alone.get(name, 0)} alone)" for name, count in best.items())
    return f"Best at {len(won)} points: " + ", ".join(parts) + "."


if __name__ == "__main__":
    (HERE / "gallery").mkdir(exist_ok=True)
    main()
