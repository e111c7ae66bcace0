"""What the command lines of benches share: the parser, and the choice between the benches of one subject."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module


def parser(about: str | None) -> argparse.ArgumentParser:
    """Return a parser that prints a module's docstring as it stands."""
    return argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)


def run(subject: str, usual: str, *others: str) -> int | None:
    """Run the module of a subject that the first argument names, the usual one otherwise; import no other.

    Each has a `main` that reads `sys.argv` and returns the exit status, None for 0.
    """
    named = sys.argv[1:2] if sys.argv[1:2] and sys.argv[1] in others else []
    sys.argv[:2] = [" ".join([f"python -m bench.{subject}", *named]), *sys.argv[1 + len(named) : 2]]
    found: int | None = import_module(f"bench.{subject}.{named[0] if named else usual}").main()
    return found
