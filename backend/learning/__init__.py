"""Learning from annotators: what they hand in is kept, trained on, judged, and answers when it is better."""

from backend.learning.keeping import Learning

__all__ = ["Learning"]
