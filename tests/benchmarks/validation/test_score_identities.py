"""What score identities say, and what follows from it."""

from benchmarks.validation.score_identities import NONE_FOUND, says_no_score


def test_only_a_density_without_a_derivative_takes_the_truth_away():
    of_density = (
        "`log_prob` has a wrong derivative in 'a': it changes by 1, autograd says 0; do not"
    )
    of_cost = "The cost hides how it depends on x: its derivative is -14.04, autograd says 0; go by"
    assert NONE_FOUND in of_density
    assert NONE_FOUND in of_cost
    assert says_no_score(of_density)
    assert not says_no_score(of_cost)
    assert not says_no_score(of_density.replace("says 0;", "says 0.5;"))
