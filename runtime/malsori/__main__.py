"""`python -m malsori`: the same as the command `malsori`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
