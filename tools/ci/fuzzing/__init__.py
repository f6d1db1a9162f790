"""Damaged files for every reader of tflq, each read in a process that may die of it."""
