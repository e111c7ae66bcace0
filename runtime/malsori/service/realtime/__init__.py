"""OpenAI's Realtime transcription, /v1/realtime: `route.py`, then `conversation.py` and `realtime_session.py`."""

from .route import routes

__all__ = ["routes"]
