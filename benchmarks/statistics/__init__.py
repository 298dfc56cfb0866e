"""Statistics alone: numbers in, estimates with intervals out. Imports no other room."""
