"""`python -m malsori`, and the command `malsori`: an interrupt is one also while the command's modules are read."""

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
