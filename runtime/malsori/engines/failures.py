"""What ONNX Runtime raises when something fails."""

from __future__ import annotations


def failures() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises; its exceptions have no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    named = ("EPFail", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile")
    more = ("NotImplemented", "RuntimeException")
    return (*(getattr(state, name) for name in (*named, *more)), RuntimeError, ValueError, MemoryError)
