"""Training of the two stages: selection first, then refinement on the selection's real errors."""
