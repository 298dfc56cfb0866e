"""Draw the README's figure: `python docs/figure.py RESULTS`, after the run its caption names."""

import sys
from pathlib import Path

import reports
from reports.figures import matplotlib_files, plots

frame = reports.load(sys.argv[1])
figure = plots.variance_by_estimator(reports.rank(frame))
path = Path(__file__).with_name("variance.png")
path.write_bytes(matplotlib_files.to_png(figure))
print(path)
