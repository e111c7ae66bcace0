"""A batch of many recordings beside others over the same files: `python -m bench.batch`; see `measure.py`."""

import sys

from bench.batch.measure import main

if __name__ == "__main__":
    sys.exit(main())
