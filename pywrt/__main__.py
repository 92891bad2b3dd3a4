"""`python -m pywrt`: the same as the `pywrt` command."""

import sys

from pywrt.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
