#!/bin/sh
# Sets up a virtual environment and passes every check: style, types, tests, doctests.
# Usage: sh tools/test.sh [pytest arguments]
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
TF_CPP_MIN_LOG_LEVEL=3 .venv/bin/python -m pytest "$@"
