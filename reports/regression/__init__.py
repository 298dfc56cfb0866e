"""Reports on what changed between two commits."""
