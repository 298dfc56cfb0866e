"""Checks of what a user brings, before anything is measured."""
