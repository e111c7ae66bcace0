"""The subject of `finetune_ctc.py`: a wav2vec2/XLSR model learns to spell what is said, with the CTC loss."""
