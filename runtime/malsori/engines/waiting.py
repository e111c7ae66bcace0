"""How CTranslate2's threads wait for each other: asleep, where OpenMP would have them spin for milliseconds.

Spinning threads take the cores from whoever has work, such as the thread that they wait for. Measured with Whisper
base, 2 threads on 2 cores: the same times either way where nobody else wants a core; where another process does, the
model loads in 0.25 s asleep and in 1.2 s spinning.
"""

from __future__ import annotations

import os
import sys
from typing import Any

POLICY = "OMP_WAIT_POLICY"
CHOICES = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # what users of OpenMP say this with


def ctranslate2() -> Any:
    """Return CTranslate2, imported with threads that sleep, unless the environment says how they wait.

    Its OpenMP is a copy of its own, which reads the environment once, when it is loaded: the setting is taken back, so
    that neither the rest of the program nor what it starts sees any of it.
    """
    if "ctranslate2" in sys.modules or any(name in os.environ for name in CHOICES):
        import ctranslate2

        return ctranslate2
    os.environ[POLICY] = "PASSIVE"
    try:
        import ctranslate2
    finally:
        os.environ.pop(POLICY, None)
    return ctranslate2
