"""Exact sums over a finite support, and samples without replacement or in strata."""
