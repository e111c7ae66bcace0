"""Live streams: sound in blocks, events out."""

from .listen import listen
from .options import LiveOptions
from .stream import Stream

__all__ = ["LiveOptions", "Stream", "listen"]
