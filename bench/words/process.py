"""One process that hears one set: a line of JSON a clip, and a last one that tells its peak of memory.

python -m bench.words process SYSTEM MODEL < CLIPS.json     # [[path, language or null], ...]
"""

from __future__ import annotations

import json
import sys
import time

from bench.command import parser
from bench.processes import memory_mb
from bench.words import systems


def main() -> None:
    """Open, hear everything, tell."""
    asking = parser(__doc__)
    asking.add_argument("system", choices=systems.SYSTEMS)
    asking.add_argument("model")
    asked = asking.parse_args()
    system, clips = systems.SYSTEMS[asked.system], json.load(sys.stdin)
    if system.form == "folder":
        systems.without_torch()
    start = time.perf_counter()
    hear = system.open(asked.model)
    opened = time.perf_counter() - start
    effort = systems.EFFORT
    for path, language in clips:
        start, windows, encoded = time.perf_counter(), effort.windows, effort.seconds
        text = hear(path, language)
        told = {
            "text": " ".join(text.split()),
            "seconds": time.perf_counter() - start,
            "windows": effort.windows - windows,
            "encoded": effort.seconds - encoded,
        }
        print(json.dumps(told), flush=True)
    print(json.dumps({"peak_mb": memory_mb(), "opened": opened}), flush=True)
