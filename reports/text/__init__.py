"""Numbers, phrases and templates as text."""
