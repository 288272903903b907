"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""
