#!/bin/sh
# Sets up a virtual environment and runs the demo: a real EfficientNet-Lite0 becomes int8.
# Usage: sh tools/demo.sh [flags of `tflq demo`]
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
.venv/bin/tflq demo "$@"
