"""Many annotators at once for a while: `python -m backend.stress`."""
