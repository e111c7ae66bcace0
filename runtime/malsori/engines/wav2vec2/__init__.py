"""wav2vec2 / XLSR with CTC on ONNX Runtime: `engine.py` is the front, `acoustic.py` the way from clips to logits."""
