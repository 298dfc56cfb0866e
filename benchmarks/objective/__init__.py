"""What is differentiated: a problem with its cost, and where it comes from."""
