"""Runs pytest on the folders given as arguments; the entry point of the Bazel tests."""

import os
import sys

import pytest

if __name__ == "__main__":
    # `bazel test --test_filter=EXPRESSION` is pytest's -k.
    chosen = os.environ.get("TESTBRIDGE_TEST_ONLY")
    sys.exit(pytest.main([*sys.argv[1:], *(["-k", chosen] if chosen else [])]))
