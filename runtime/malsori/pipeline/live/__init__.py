"""Live streams: sound in blocks, events out; and who may use an engine when."""

from ..sharing.scheduler import Scheduler
from .listen import listen
from .options import LiveOptions
from .stream import Stream

__all__ = ["LiveOptions", "Scheduler", "Stream", "listen"]
