"""Pure pieces of measuring: random streams, moments, intervals, bias, tails, stopping, timing."""
