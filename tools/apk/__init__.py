"""Builds the Android app without Google's SDK; `tools/build_apk.py` is the command."""
