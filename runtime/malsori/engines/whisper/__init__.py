"""The Whisper family on CTranslate2: what a clip, a window, a batch and a word are made of."""
