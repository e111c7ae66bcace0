"""The service under load, beside others: `python -m bench.service`; see `measure.py`."""

import sys

from bench.service.measure import main

if __name__ == "__main__":
    sys.exit(main())
