"""`malsori serve`: models behind the protocols that clients already speak."""

from __future__ import annotations

import argparse

from ..errors import MissingDependency
from ..option import options_of
from ..service.serve_options import ServeOptions, ServiceLimits
from .parser import Parser, add_flags, chosen

EPILOG = """\
what it answers:
  POST /v1/audio/transcriptions, /v1/audio/translations, GET /v1/models     OpenAI's REST; SDKs work unchanged
  /v1/realtime                                                              OpenAI's Realtime transcription
  /v1/listen                                                                plain PCM over a WebSocket
  /                                                                         a page: speak, or drop a file
  /healthz /readyz /metrics /v1/limits                                      for those who run it

examples:
  malsori serve --model base
  malsori serve --model base --partials tiny.en --wyoming tcp://127.0.0.1:10300
  malsori serve --model base --host 0.0.0.0 --api-key-file keys.txt --log-format json

SIGTERM ends it in order: finals are sent, running requests answered, within --drain-seconds. Exit codes: 0 after a
signal, 1 the model is not here, 2 wrong usage or an address that cannot be had, 3 the model cannot run.
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "serve",
        help="a service for OpenAI's clients, Home Assistant, browsers and plain sockets",
        description="A service: models that are loaded once, for OpenAI's clients, Home Assistant, browsers and sockets.",
        epilog=EPILOG,
    )
    add_flags(parser.add_argument_group("service"), ServeOptions)
    add_flags(parser.add_argument_group("limits, where 0 is none"), ServiceLimits)


def run(args: argparse.Namespace) -> int:
    """Run the service until a signal ends it; return its exit code."""
    limits = ServiceLimits(**chosen(args, ServiceLimits))
    own = {name: value for name, value in chosen(args, ServeOptions).items() if name not in options_of(ServiceLimits)}
    options = ServeOptions(limits=limits, **own)
    try:
        from ..service import serve

        return serve(options)
    except ModuleNotFoundError as error:
        if (error.name or "malsori").startswith("malsori"):
            raise
        raise MissingDependency(str(error.name), "malsori serve", "serve") from error
