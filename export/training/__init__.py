"""Fine-tuning: one loop, `loop.py`, and what it may be about, a `Subject` each: `ctc/` and `context/`."""
