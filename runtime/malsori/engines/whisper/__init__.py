"""Whisper on CTranslate2: `engine.py` is the front, `reader.py` the way through a clip, `window.py` what is encoded."""
