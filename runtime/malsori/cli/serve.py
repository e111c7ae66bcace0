"""`malsori serve`: models behind the protocols that clients already speak."""

from __future__ import annotations

import argparse

from ..errors import MissingDependency, OptionError
from ..option import options_of, put
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

HINTS = {  # flags that other servers have, and what is typed here
    "--api-key": "--api-key-file FILE has the keys, one a line, so that they are in no list of processes",
    "--cors": "--allow-origin ORIGIN names a web page that may call",
    "--workers": "one process serves all, so that models are loaded once; --threads N is for the processor",
    "--ssl-certfile": "https:// is for a proxy in front; docs/operations.md has nginx and Caddy",
    "--ssl-keyfile": "https:// is for a proxy in front; docs/operations.md has nginx and Caddy",
    "--tls": "https:// is for a proxy in front; docs/operations.md has nginx and Caddy",
    "--no-ui": "the page cannot be switched off; it needs the same keys as all else",
    "--beam-size": "clients send beam_size with their request",
    "--vad": "speech is always found first; clients send vad_filter=false with their request",
    "--quiet": "--log-level warning is quieter",
    "--verbose": "--log-level debug tells more",
    "-v": "--log-level debug tells more",
    "-p": "--port N",
    "--log": "--log-level and --log-format say what is logged; it goes to stderr",
    "--timeout": "--max-request-seconds, --idle-seconds and others: see the limits",
    "--version": "malsori --version",
}


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "serve",
        help="a service for OpenAI's clients, Home Assistant, browsers and plain sockets",
        description="Models that are loaded once, for OpenAI's clients, Home Assistant, browsers and sockets.",
        epilog=EPILOG,
        hints=HINTS,
    )
    add_flags(parser.add_argument_group("service"), ServeOptions)
    add_flags(parser.add_argument_group("limits, where 0 is none"), ServiceLimits)


def run(args: argparse.Namespace) -> int:
    """Run the service until a signal ends it; return its exit code."""
    options = _options(args)
    try:
        from ..service import serve

        return serve(options)
    except ModuleNotFoundError as error:
        if (error.name or "malsori").startswith("malsori"):
            raise
        raise MissingDependency(str(error.name), "malsori serve", "serve") from error


def _options(args: argparse.Namespace) -> ServeOptions:
    """Return the options that the flags ask for. Raises `OptionError` that names the flag at fault."""
    try:
        return put(ServeOptions(), chosen(args, ServeOptions))
    except OptionError as error:
        name, colon, rest = str(error).partition(":")
        option = options_of(ServeOptions).get(name)
        if option is None:
            raise
        raise OptionError(f"{option.flags[0]}{colon}{rest}") from error
