"""Fitted coefficients where a distribution holds a constant without batch axes."""

from benchmarks import measure, problems


def test_codes_of_a_codebook_are_no_parameter():
    for name in ("mu-prop-fitted", "double-control-variates"):
        row = measure(problems.load("codebook-reconstruction"), name, 2, 500, timed=False)
        assert row.status == "ok", row.reason
        assert row.bias_verdict in {"unbiased", "undetermined"}
