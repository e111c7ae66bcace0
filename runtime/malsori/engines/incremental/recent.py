"""The newest rows of something, in memory that is taken once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Recent:
    """Keeps the last `most` of the rows that were appended, side by side; each append rarely moves what is there."""

    def __init__(self, most: int, width: int) -> None:
        self._most = most
        self._memory = np.zeros((most + max(most // 2, 1), width), np.float32)  # pages that are not used are not taken
        self._start = self._stop = 0

    @property
    def rows(self) -> NDArray[np.float32]:
        """What is kept, `(rows, width)`: a view that the next append may change."""
        return self._memory[self._start : self._stop]

    def append(self, rows: NDArray[np.float32]) -> None:
        """Add rows behind the others; what is then more than `most` is forgotten, the oldest first."""
        rows = rows[max(0, len(rows) - self._most) :]
        kept = min(self._stop - self._start, self._most - len(rows))
        self._start = self._stop - kept
        if self._stop + len(rows) > len(self._memory):
            self._memory[:kept] = self.rows  # numpy minds that they may overlap
            self._start, self._stop = 0, kept
        self._memory[self._stop : self._stop + len(rows)] = rows
        self._stop += len(rows)
