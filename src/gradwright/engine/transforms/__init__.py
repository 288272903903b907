"""Functions that turn functions into others: derivatives, batches, recomputation."""
