"""`python -m mcp_host` is `pywrt-mcp`."""

import sys

from mcp_host.cli import main

sys.exit(main())
