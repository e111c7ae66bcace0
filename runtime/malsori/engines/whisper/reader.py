"""Many clips through one network, window by window: encode, tell the language, read, check, read again, align.

Every window is encoded once, whatever is then asked of it; one whose reading does not stand is encoded once more, half
as long again, up to 30 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..base import DecodeOptions
from .decoding import Row, WindowDecoder
from .features import MEL_RATE, WINDOW
from .guards import (
    LIKELY,
    LedAstray,
    Reading,
    led_astray,
    nobody_speaks,
    token_budget,
    token_limit,
    wordless,
)
from .lanes import batches
from .network import Encoded, Network, room
from .prompt import Prompts
from .segments import WindowSegment
from .sentences import sentences
from .tokens import Tokens
from .track import Track
from .window import longer
from .word_times import AlignRow, align_rows, place


class WindowReader:
    """The readings of one call of the engine; `known` are the languages that the model may tell.

    With `once`, a short window whose reading does not stand raises `LedAstray` instead of being read again. `sparing`
    reads one window a call, which is slower and takes less memory.
    """

    def __init__(
        self,
        network: Network,
        tokens: Tokens,
        known: Sequence[str],
        options: DecodeOptions,
        *,
        once: bool = False,
        sparing: bool = False,
    ) -> None:
        self._network = network
        self._tokens = tokens
        self._known = known
        self._options = options
        self._once = once
        self._sparing = sparing
        self._decoder = WindowDecoder(network, tokens, options)
        self.prompts = Prompts(tokens, options)

    def read(self, tracks: Sequence[Track]) -> None:
        """Read all clips to their ends; each window's text depends on its own clip alone."""
        while waiting := [track for track in tracks if not track.done]:
            for track in waiting:
                if track.inaudible:
                    track.skip("inaudible")
            self._go_on([track for track in waiting if not track.done and not track.inaudible])

    def _go_on(self, tracks: Sequence[Track]) -> None:
        """Read the next window of each, several batches at a time where that is sooner."""
        lanes = self._network.lanes(min(len(tracks), self._options.batch_size), live=self._options.live)
        together = batches(tracks, lanes, self._options, self.prompts, sparing=self._sparing)
        if lanes == 1:
            for batch in together:
                self._tell(self._advance(batch))
            return
        with ThreadPoolExecutor(lanes) as pool:
            steps = [pool.submit(self._advance, batch) for batch in together]
            try:
                for step in steps:
                    self._tell(step.result())
            finally:
                pool.shutdown(cancel_futures=True)

    def _advance(self, tracks: list[Track]) -> float:
        """Read the next window of each; return how many seconds they went on by together."""
        before = sum(track.seek for track in tracks)
        self._step(tracks)
        return (sum(track.seek for track in tracks) - before) / MEL_RATE

    def _tell(self, seconds: float) -> None:
        if self._options.progress is not None:
            self._options.progress(seconds)

    def _step(self, tracks: list[Track]) -> None:
        """Read the next window of each, all of one length; a longer one where that does not stand."""
        window, retried = tracks[0].window, False
        while tracks:
            encoded = self._encode(tracks, window, retry=retried)
            self._tell_languages(encoded, tracks)
            readings = self._readings(tracks, encoded, full=window == WINDOW)
            if window == WINDOW:
                self._give(tracks, encoded, readings, window, retried=retried)
                return
            stands = [self._stands(track, reading) for track, reading in zip(tracks, readings, strict=True)]
            if self._once and not all(stands):
                raise LedAstray
            if fine := [index for index, good in enumerate(stands) if good]:
                chosen, read = [tracks[index] for index in fine], [readings[index] for index in fine]
                self._give(chosen, encoded.rows(fine), read, window, retried=retried)
            tracks = [track for track, good in zip(tracks, stands, strict=True) if not good]
            window, retried = longer(window), True

    def _encode(self, tracks: Sequence[Track], window: int, *, retry: bool = False) -> Encoded:
        self._options.check_cancelled()
        return self._network.encode(np.stack([track.features(window) for track in tracks]), retry=retry)

    def _tell_languages(self, encoded: Encoded, tracks: Sequence[Track]) -> None:
        """Set the language of the tracks that have none; of each window anew where that is asked for."""
        anew = self._options.whisper.multilingual and self._options.language is None
        if not anew and all(track.language is not None for track in tracks):
            return
        for track, found in zip(tracks, languages_of(self._network, encoded, self._known), strict=True):
            if anew or track.language is None:
                track.language = next(iter(found))
                track.languages = track.languages or found

    def _readings(self, tracks: Sequence[Track], encoded: Encoded, *, full: bool) -> list[Reading]:
        """Return a reading of each window: with nothing said before it where it may be no more than that suggests.

        That is where it echoes the caller's words, or is unsure, and nobody is heard in the window without them.
        """
        read = self._decoder.read if full else self._decoder.first
        readings = read(encoded, [self._row(track, full=full) for track in tracks])
        pairs = enumerate(zip(tracks, readings, strict=True))
        suggested = [index for index, (track, found) in pairs if self._suggested(found, track.language)]
        if suggested:
            rows = [self._row(tracks[index], full=full, led=False) for index in suggested]
            for index, plain in zip(suggested, read(encoded.rows(suggested), rows), strict=True):
                readings[index] = plain if nobody_speaks(plain, self._options.whisper) else readings[index]
        return readings

    def _suggested(self, reading: Reading, language: str | None) -> bool:
        """Whether a reading has words that may be there only because of the caller's."""
        if not self.prompts.given or not reading.text:
            return False
        return reading.log_probability < LIKELY or self.prompts.echoed(reading.text, language)

    def _row(self, track: Track, *, full: bool, led: bool = True) -> Row:
        prefix = self.prompts.prefix(timed=track.timed) if track.first else []
        assert track.language is not None  # told, or given
        leading = self.prompts.leading(track.spoken) if led else []
        prompt = [*leading, *self.prompts.start(track.language, timed=track.timed), *prefix]
        most = room(len(prompt), len(prefix))
        budget, limit = (count(track.size, self._options.whisper, full=full) for count in (token_budget, token_limit))
        return Row(tuple(prompt), len(prefix), track.size, min(budget, most), min(limit, most), full)

    def _stands(self, track: Track, reading: Reading) -> bool:
        whisper = self._options.whisper
        if not whisper.window_guards:
            return True
        return not led_astray(reading, track.size, self._tokens.timestamp_begin, whisper)

    def _give(
        self,
        tracks: Sequence[Track],
        encoded: Encoded,
        readings: Sequence[Reading],
        window: int,
        *,
        retried: bool = False,
    ) -> None:
        """Give each track what was read in its window, with words where they are asked for or tell the times."""
        whisper = self._options.whisper
        reasons = [wordless(each, track.size, whisper) for track, each in zip(tracks, readings, strict=True)]
        spoken = [index for index, why in enumerate(reasons) if why is None]
        for track, why in zip(tracks, reasons, strict=True):
            if why is not None:
                track.skip(why)
        found = [tracks[index].pieces(readings[index], self._tokens.timestamp_begin) for index in spoken]
        attentive = not tracks[0].timed and not whisper.without_timestamps  # as the whole batch is
        if spoken and (attentive or self._options.word_timestamps):
            chosen = [tracks[index] for index in spoken]
            timed = self._timed(chosen, encoded.rows(spoken), [pieces for pieces, _ in found], attentive=attentive)
            found = [(pieces, following) for pieces, (_, following) in zip(timed, found, strict=True)]
        for index, (pieces, following) in zip(spoken, found, strict=True):
            tracks[index].take(
                readings[index], pieces, following, self._tokens, whisper, window=window, retried=retried
            )

    def _timed(
        self, tracks: Sequence[Track], encoded: Encoded, found: Sequence[list[WindowSegment]], *, attentive: bool
    ) -> list[list[WindowSegment]]:
        """Return the pieces of each track's window with their words, aligned in one call per language.

        Where they were read `attentive`, without times, the pieces are the sentences.
        """
        timed: list[list[WindowSegment]] = [list(pieces) for pieces in found]
        languages = sorted({track.language or "" for track in tracks})
        for language in languages:
            chosen = [index for index, track in enumerate(tracks) if track.language == language]
            rows = [
                AlignRow(tuple(token for piece in found[index] for token in piece.tokens), tracks[index].size)
                for index in chosen
            ]
            aligned = align_rows(self._network, self._tokens, encoded.rows(chosen), language, self._options.task, rows)
            for index, timings in zip(chosen, aligned, strict=True):
                sound = tracks[index].sound()
                pieces = sentences(timings, sound) if attentive else found[index]
                timed[index] = place(timings, pieces, sound, language, self._options.whisper)
        return timed


def languages_of(network: Network, encoded: Encoded, known: Sequence[str]) -> list[dict[str, float]]:
    """Return for each window the model's languages with their probabilities, the likeliest first; they sum to 1."""
    if len(known) == 1:
        return [{known[0]: 1.0}] * len(encoded)
    rows = []
    for guesses in network.languages(encoded):
        found = {code: probability for code, probability in guesses.items() if code in known}
        total = sum(found.values())
        rows.append({code: probability / total for code, probability in found.items()})
    return rows
