"""Side by side with what users would pick instead; each peer is an optional dependency."""
