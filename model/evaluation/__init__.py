"""Evaluation with simulated clicks: one row per object and click, every figure from the rows."""
