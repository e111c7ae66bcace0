"""What becomes of a loaded model in a forked process, where none of its threads are.

CTranslate2 (4.8) waits for them for ever; of ONNX Runtime (1.32) the caller does their work, with the same words.
Both wait for them when a model is freed, so that a process could not end: what was loaded before a fork stays for good.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable
from typing import Any

_LOADED: weakref.WeakKeyDictionary[Any, Callable[[Any], Any]] = weakref.WeakKeyDictionary()


def keep_in_forks(owner: Any, loaded: Callable[[Any], Any]) -> None:
    """Have what `loaded(owner)` gives at the time of a fork never freed in the forked process."""
    _LOADED[owner] = loaded


def _keep() -> None:
    for owner, loaded in list(_LOADED.items()):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loaded(owner)))


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_keep)
