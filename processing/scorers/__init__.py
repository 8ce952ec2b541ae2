"""Scorers: one module per kind, building them, and scoring each answer once."""
