"""Runs pytest on the folders given as arguments; the entry point of the Bazel tests."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
