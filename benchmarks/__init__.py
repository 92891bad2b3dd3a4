"""Speed and size, beside peers in one run: `python -m benchmarks [--bars]`."""
