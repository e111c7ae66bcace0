"""XLSR-large: `cpu.py`, or whichever the first argument names."""

import sys

from bench.command import run

if __name__ == "__main__":
    sys.exit(run("wav2vec2", "cpu", "gpu", "profile", "decoding"))
