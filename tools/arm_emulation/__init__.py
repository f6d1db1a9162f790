"""Runs .tflite files on emulated ARM cores and counts the instructions that they take."""
