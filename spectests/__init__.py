"""Runs .wast test scripts and prints a scoreboard: `python -m spectests PATH...`."""
