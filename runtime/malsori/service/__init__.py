"""The service: OpenAI's REST and Realtime, plain PCM, Wyoming and a page over models that are loaded once.

`serve(options)` runs it until a signal ends it. The rooms (`rest/`, `realtime/`, `wyoming/`, `page/`) know their
protocol alone; what they share is in `state.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .serve_options import ServeOptions


def serve(options: ServeOptions) -> int:
    """Run the service and return the exit code of its process: 0 after a signal, 3 where it could not start.

    Raises:
        OptionError: options that exclude each other, or that this machine cannot have.
        ModelError: a model that was named is not here.
        MissingDependency: a package of the extra `serve` is not installed.
    """
    from .server import run

    return run(options)
