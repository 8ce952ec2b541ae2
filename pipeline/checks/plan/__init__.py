"""`plan`: what an evaluation will cost and take, and how often its gate will err."""
