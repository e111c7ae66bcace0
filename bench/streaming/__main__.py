"""Live transcription: `waits.py`, or whichever the first argument names."""

import sys

from bench.command import run

if __name__ == "__main__":
    sys.exit(run("streaming", "waits", "ctc", "whisper", "live_words", "streams", "plot"))
