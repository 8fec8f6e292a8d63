"""Many hostile clients at once, of every kind, beside a few healthy ones that are watched."""
