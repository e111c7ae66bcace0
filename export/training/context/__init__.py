"""The subject of `finetune_context.py`: a Whisper model learns to hear short windows as it hears 30 s."""
