"""Evaluations held against each other: row by row, with intervals, and first what forbids it."""
