"""Masks of many images that nobody waits for: what is asked for, who answers, what is kept."""
