"""Fine-tuning of the refinement head on a team's own corrections, and the judgement of what came of it."""
