"""A batch: thousands of recordings, on one machine or many, each done once, whatever interrupts the run."""

from __future__ import annotations
