"""The true test of an ONNX Runtime provider: a tiny graph, run on it, with no way back to the CPU."""

from __future__ import annotations

from ..errors import brief

# One MatMul of a 2x2 matrix with itself (IR 8, opset 13): on CUDA it needs the driver and cuBLAS both.
# Recipe: onnx.helper.make_model(make_graph([make_node("MatMul", ["x", "x"], ["y"])], "g", [x], [y])), x, y float32.
PROBE = bytes.fromhex(
    "080812003a400a110a01780a017812017922064d61744d756c1201675a130a0178120e0a0c080112080a020802"
    "0a02080262130a0179120e0a0c080112080a0208020a02080242040a00100d"
)
SILENT = 4  # ONNX Runtime's severity "fatal"; a failing provider otherwise writes red lines on stderr
WARNING = 2  # ONNX Runtime's own default


def runs_on(provider: str) -> str:
    """Return an empty text when a tiny graph truly runs on an ONNX Runtime provider, else why it does not.

    The list of available providers only says what was compiled in, and a session falls back to the CPU without an
    error: so the fallback is forbidden here.
    """
    import numpy as np
    import onnxruntime

    if provider not in onnxruntime.get_available_providers():
        return f"this onnxruntime has no {provider}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if provider != "CPUExecutionProvider":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    onnxruntime.set_default_logger_severity(SILENT)
    try:
        session = onnxruntime.InferenceSession(PROBE, options, providers=[provider])
        (result,) = session.run(None, {"x": 2 * np.eye(2, dtype=np.float32)})
    except Exception as error:  # its exceptions have no base class of their own, and none may stop a diagnosis
        return f"{provider} does not start ({brief(error, 200)})"
    finally:
        onnxruntime.set_default_logger_severity(WARNING)
    return "" if np.array_equal(result, 4 * np.eye(2)) else f"{provider} computes wrong numbers"
