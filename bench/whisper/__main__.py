"""Whisper beside other programs: `programs.py`, or whichever the first argument names."""

import sys

from bench.command import run

if __name__ == "__main__":
    sys.exit(run("whisper", "programs", "plot", "process"))
