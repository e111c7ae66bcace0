"""`malsori models remove`: take away a bundle that was pulled or adopted, after asking."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .console import complain, emit, emit_json, printable
from .parser import Parser
from .tables import size

if TYPE_CHECKING:
    from ..bundles import Found

YES = ("y", "yes")
EPILOG = """\
Only what malsori itself has put into its folder in the user's cache is removed: not the models that come with it, not
the hub's cache, not folders of your own.

examples:
  malsori models remove large-v3
  malsori models remove kitchen --yes
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser(
        "remove", help="take away what was pulled or adopted", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("name", metavar="NAME", help="a name or the path of a bundle's folder")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Remove one bundle; return 0, or 1 when it was left because the answer was no."""
    from ..bundles import find_bundle
    from ..bundles.remove import check_removable, remove, size_of

    found = find_bundle(args.name)
    check_removable(found)
    if not args.yes and not _confirmed(found, size_of(found)):
        complain(f"{found.folder}: left as it is")
        return 1
    freed = remove(found, lambda: complain(f"another process pulls {found.name}, waiting"))
    if args.json:
        emit_json({"name": found.name, "folder": str(found.folder), "freed": freed})
    else:
        emit(f"{found.name} is removed, {size(freed)} freed: {found.folder}\n")
    return 0


def _confirmed(found: Found, count: int) -> bool:
    """Ask on the terminal; return whether the answer is yes. Raises `OptionError` without a terminal."""
    from ..errors import OptionError

    if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise OptionError(
            f"nobody here to ask whether {found.folder} ({size(count)}) is to be removed; --yes removes it"
        )
    sys.stderr.write(printable(f"malsori: remove {found.name}, {size(count)}, {found.folder}? [y/N] "))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in YES
