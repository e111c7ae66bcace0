"""ONNX graphs on ONNX Runtime: opening and running them, providers, and the int8 operator that is our own."""
