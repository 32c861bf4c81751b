"""Adapters to annotation tools; each speaks one tool's wire format over the same prediction service."""
