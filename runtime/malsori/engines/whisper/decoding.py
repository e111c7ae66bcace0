"""Encoded windows to readings, many at once; what fails is read again at the next temperature, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..base import DecodeOptions
from .guards import Reading, compression_ratio, too_poor
from .network import Encoded, Network
from .tokens import Tokens

BEAM = 5  # hypotheses kept where nobody said how many


@dataclass(frozen=True, slots=True)
class Row:
    """One window to be read: its prompt, whose last `prefix` tokens the reading starts with, and what it may add.

    More than `budget` tokens are a fault. The decoder stops after `limit`, which is the same for all rows of a call:
    a reading must not have more room beside a longer clip than alone.
    """

    prompt: tuple[int, ...]
    prefix: int
    budget: int
    limit: int


class Decoder:
    """The readings of one call: a model and how it is asked."""

    def __init__(self, network: Network, tokens: Tokens, options: DecodeOptions) -> None:
        self._network = network
        self._tokens = tokens
        self._options = options
        self._suppressed = tokens.suppressed(options.whisper.suppress_tokens)

    def first(self, encoded: Encoded, rows: Sequence[Row]) -> list[Reading]:
        """Return the readings at the first temperature, good or not; rows alike in all but their words."""
        return self._read(encoded, rows, self._options.temperature[0])

    def read(self, encoded: Encoded, rows: Sequence[Row]) -> list[Reading]:
        """Return the readings at the first temperature at which each is good, or the likeliest that is no loop.

        The latter's temperature is the last one tried: what could not be read well is not to lead the next window.
        """
        tried: list[list[Reading]] = [[] for _ in rows]
        open_rows = list(range(len(rows)))
        for temperature in self._options.temperature:
            found = self._read(encoded.rows(open_rows), [rows[index] for index in open_rows], temperature)
            for index, reading in zip(open_rows, found, strict=True):
                tried[index].append(reading)
            open_rows = [index for index in open_rows if too_poor(tried[index][-1], self._options.whisper)]
            if not open_rows:
                break
        return [self._best(readings) for readings in tried]

    def _best(self, readings: list[Reading]) -> Reading:
        last = readings[-1]
        if not too_poor(last, self._options.whisper):
            return last
        looped = self._options.whisper.compression_ratio_threshold
        sound = [reading for reading in readings if looped is None or reading.compression_ratio <= looped]
        best = max(sound or readings, key=lambda reading: reading.log_probability)
        return replace(best, temperature=last.temperature)

    def _read(self, encoded: Encoded, rows: Sequence[Row], temperature: float) -> list[Reading]:
        self._options.check_cancelled()
        generated = self._network.generate(
            encoded,
            [row.prompt for row in rows],
            self._options.whisper,
            beam_size=BEAM if self._options.beam_size is None else self._options.beam_size,
            temperature=temperature,
            prefix=rows[0].prefix,
            budget=rows[0].limit,
            suppressed=self._suppressed,
        )
        readings = []
        for row, found in zip(rows, generated, strict=True):
            text = self._tokens.decode(found.tokens).strip()
            readings.append(
                Reading(
                    found.tokens,
                    text,
                    found.log_probability,
                    found.no_speech_prob,
                    temperature,
                    compression_ratio(text),
                    row.budget,
                    row.prefix,
                )
            )
        return readings
