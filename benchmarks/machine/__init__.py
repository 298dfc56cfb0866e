"""What belongs to the machine: random streams, the clock, memory, the environment of a record."""
