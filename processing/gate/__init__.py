"""The quality gate: metrics with intervals, thresholds, slices and the champion."""
