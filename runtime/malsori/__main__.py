"""`python -m malsori`, and the command `malsori`. Ctrl-C ends it well also while the command's modules are imported."""

import sys


def main() -> int:
    """Run the command; return its exit code."""
    try:
        from .cli.main import main
    except KeyboardInterrupt:
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(main())
