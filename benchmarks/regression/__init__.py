"""Has a change made an estimator worse? Two revisions, or two result stores, held side by side."""
