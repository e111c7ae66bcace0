"""The graphs of a wav2vec2 bundle, written node by node: `frontend.py` (audio to features), `encoder.py` (to logits).

Not traced from PyTorch: what a node is called, which operators are fused and how a weight is stored are decided here.
"""
