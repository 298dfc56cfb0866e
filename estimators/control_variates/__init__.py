"""Control variates: the score function less something whose gradient is known or unbiased."""
