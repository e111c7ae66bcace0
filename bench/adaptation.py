"""What fine-tuning does to nano-ctc-ko: errors on words that it never heard, and on what it knew, before and after.

    python -m bench.adaptation WORK [CHECKPOINT]    # minutes; needs espeak-ng and the dependency group `export`

The figures are those of `export/nano/adapt.py`, which says how speech, training and test are made. The test clips are
the same in both; ours is after, the peer is before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench import command
from bench.results import Row, write

if TYPE_CHECKING:
    from export.nano.adapt import Rates

LEAST = 0.0001  # no errors at all would make the ratio infinite


def rows(case: str, before: Rates, after: Rates, target: str = "") -> list[Row]:
    """Return the rows of one kind of sentences, in percent."""
    return [
        Row(
            case,
            name.upper(),
            "%",
            round(100 * after[name], 2),
            {"before": round(100 * before[name], 2)},
            {"before": round(max(before[name], LEAST) / max(after[name], LEAST), 2)},
            target if name == "cer" else "",
        )
        for name in ("cer", "wer")
    ]


def main() -> None:
    """Adapt, or read what an earlier run made, and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    asked = parser.parse_args()
    from export.nano.adapt import Plan, adapt

    found = adapt(asked.work, asked.checkpoint, Plan())
    print(
        write(
            "adaptation",
            [
                *rows("sentences with new words", found.new_before, found.new_after, "a fifth of the errors"),
                *rows("sentences of the old grammar", found.old_before, found.old_after, "below 2 %"),
            ],
        )
    )


if __name__ == "__main__":
    main()
