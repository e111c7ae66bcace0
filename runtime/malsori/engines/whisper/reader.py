"""Clips through one network, window by window: encode, detect the language, decode, check, align.

Each window is encoded once for all of that. One whose reading is rejected is encoded and read again at 1.5 times its
length, up to 30 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..base import DecodeOptions
from .decoding import Row, WindowDecoder
from .features import MEL_RATE, WINDOW
from .guards import (
    LIKELY_LOG_PROB,
    Reading,
    ReadingRejected,
    has_no_speech,
    token_budget,
    token_limit,
    why_rejected,
    why_wordless,
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
    """Reads the clips of one engine call; `known` are the codes of the model's languages.

    Without `reread` a rejected reading raises `ReadingRejected` instead of being read in a longer window. With
    `single_windows` each call of the network has one window: slower, in less memory.
    """

    def __init__(
        self,
        network: Network,
        tokens: Tokens,
        known: Sequence[str],
        options: DecodeOptions,
        *,
        reread: bool = True,
        single_windows: bool = False,
    ) -> None:
        self._network = network
        self._tokens = tokens
        self._known = known
        self._options = options
        self._reread = reread
        self._single_windows = single_windows
        self._decoder = WindowDecoder(network, tokens, options)
        self.prompts = Prompts(tokens, options)

    def read(self, tracks: Sequence[Track]) -> None:
        """Read all clips to their ends; each window's text depends on its own clip alone."""
        while waiting := [track for track in tracks if not track.done]:
            for track in waiting:
                if track.inaudible:
                    track.skip("inaudible")
            self._read_next_windows([track for track in waiting if not track.done and not track.inaudible])

    def _read_next_windows(self, tracks: Sequence[Track]) -> None:
        """Read the next window of each track, several batches at a time where that is faster."""
        lanes = self._network.lanes(min(len(tracks), self._options.batch_size), live=self._options.live)
        together = batches(tracks, lanes, self._options, self.prompts, single_windows=self._single_windows)
        if lanes == 1:
            for batch in together:
                self._report_progress(self._advance(batch))
            return
        with ThreadPoolExecutor(lanes) as pool:
            steps = [pool.submit(self._advance, batch) for batch in together]
            try:
                for step in steps:
                    self._report_progress(step.result())
            finally:
                pool.shutdown(cancel_futures=True)

    def _advance(self, tracks: list[Track]) -> float:
        """Read the next window of each track; return the seconds by which they advanced, in sum."""
        before = sum(track.seek for track in tracks)
        self._read_windows(tracks)
        return (sum(track.seek for track in tracks) - before) / MEL_RATE

    def _report_progress(self, seconds: float) -> None:
        if self._options.progress is not None:
            self._options.progress(seconds)

    def _read_windows(self, tracks: list[Track]) -> None:
        """Read the next window of each track, all of one length, and again in longer ones where it is rejected."""
        window, retried = tracks[0].window, False
        while tracks:
            encoded = self._encode(tracks, window, retry=retried)
            self._set_languages(encoded, tracks)
            readings = self._readings(tracks, encoded, full=window == WINDOW)
            if window == WINDOW:
                self._keep_readings(tracks, encoded, readings, window, retried=retried)
                return
            accepted = [self._is_accepted(track, reading) for track, reading in zip(tracks, readings, strict=True)]
            if not self._reread and not all(accepted):
                raise ReadingRejected
            if fine := [index for index, good in enumerate(accepted) if good]:
                chosen, read = [tracks[index] for index in fine], [readings[index] for index in fine]
                self._keep_readings(chosen, encoded.rows(fine), read, window, retried=retried)
            tracks = [track for track, good in zip(tracks, accepted, strict=True) if not good]
            window, retried = longer(window), True

    def _encode(self, tracks: Sequence[Track], window: int, *, retry: bool = False) -> Encoded:
        self._options.check_cancelled()
        return self._network.encode(np.stack([track.features(window) for track in tracks]), retry=retry)

    def _set_languages(self, encoded: Encoded, tracks: Sequence[Track]) -> None:
        """Set the language of the tracks that have none, or with `multilingual` that of every window."""
        anew = self._options.whisper.multilingual and self._options.language is None
        if not anew and all(track.language is not None for track in tracks):
            return
        for track, found in zip(tracks, languages_of(self._network, encoded, self._known), strict=True):
            if anew or track.language is None:
                track.language = next(iter(found))
                track.languages = track.languages or found

    def _readings(self, tracks: Sequence[Track], encoded: Encoded, *, full: bool) -> list[Reading]:
        """Return a reading of each window.

        One that may echo the initial prompt or hot words is read again without them; that reading counts where it has
        no speech.
        """
        read = self._decoder.read if full else self._decoder.first
        readings = read(encoded, [self._row(track, full=full) for track in tracks])
        pairs = enumerate(zip(tracks, readings, strict=True))
        doubtful = [index for index, (track, found) in pairs if self._may_echo_prompt(found, track.language)]
        if doubtful:
            rows = [self._row(tracks[index], full=full, with_context=False) for index in doubtful]
            for index, plain in zip(doubtful, read(encoded.rows(doubtful), rows), strict=True):
                readings[index] = plain if has_no_speech(plain, self._options.whisper) else readings[index]
        return readings

    def _may_echo_prompt(self, reading: Reading, language: str | None) -> bool:
        """Return whether a reading is unsure or mostly words of the initial prompt and hot words, if any."""
        if not self.prompts.given or not reading.text:
            return False
        return reading.log_probability < LIKELY_LOG_PROB or self.prompts.echoed(reading.text, language)

    def _row(self, track: Track, *, full: bool, with_context: bool = True) -> Row:
        prefix = self.prompts.prefix(timed=track.timed) if track.first else []
        assert track.language is not None  # detected, or given
        leading = self.prompts.leading(track.spoken) if with_context else []
        prompt = [*leading, *self.prompts.start(track.language, timed=track.timed), *prefix]
        most = room(len(prompt), len(prefix))
        budget, limit = (count(track.size, self._options.whisper, full=full) for count in (token_budget, token_limit))
        return Row(tuple(prompt), len(prefix), track.size, min(budget, most), min(limit, most), full)

    def _is_accepted(self, track: Track, reading: Reading) -> bool:
        whisper = self._options.whisper
        if not whisper.window_guards:
            return True
        return not why_rejected(reading, track.size, self._tokens.timestamp_begin, whisper)

    def _keep_readings(
        self,
        tracks: Sequence[Track],
        encoded: Encoded,
        readings: Sequence[Reading],
        window: int,
        *,
        retried: bool = False,
    ) -> None:
        """Add each reading to its track, with words where they are asked for or where they give the segments' times."""
        whisper = self._options.whisper
        reasons = [why_wordless(each, track.size, whisper) for track, each in zip(tracks, readings, strict=True)]
        spoken = [index for index, why in enumerate(reasons) if why is None]
        for track, why in zip(tracks, reasons, strict=True):
            if why is not None:
                track.skip(why)
        found = [tracks[index].window_segments(readings[index], self._tokens.timestamp_begin) for index in spoken]
        times_by_attention = not tracks[0].timed and not whisper.without_timestamps  # as the whole batch is
        if spoken and (times_by_attention or self._options.word_timestamps):
            chosen = [tracks[index] for index in spoken]
            timed = self._with_words(
                chosen, encoded.rows(spoken), [segments for segments, _ in found], times_by_attention=times_by_attention
            )
            found = [(segments, following) for segments, (_, following) in zip(timed, found, strict=True)]
        for index, (segments, following) in zip(spoken, found, strict=True):
            tracks[index].take(
                readings[index], segments, following, self._tokens, whisper, window=window, retried=retried
            )

    def _with_words(
        self,
        tracks: Sequence[Track],
        encoded: Encoded,
        found: Sequence[list[WindowSegment]],
        *,
        times_by_attention: bool,
    ) -> list[list[WindowSegment]]:
        """Return the segments of each track's window with their words, aligned in one call per language.

        With `times_by_attention`, where the decoder wrote no time tokens, the segments are the sentences.
        """
        timed: list[list[WindowSegment]] = [list(segments) for segments in found]
        languages = sorted({track.language or "" for track in tracks})
        for language in languages:
            chosen = [index for index, track in enumerate(tracks) if track.language == language]
            rows = [
                AlignRow(tuple(token for segment in found[index] for token in segment.tokens), tracks[index].size)
                for index in chosen
            ]
            aligned = align_rows(self._network, self._tokens, encoded.rows(chosen), language, self._options.task, rows)
            for index, timings in zip(chosen, aligned, strict=True):
                sound = tracks[index].sound()
                segments = sentences(timings, sound) if times_by_attention else found[index]
                timed[index] = place(timings, segments, sound, language, self._options.whisper)
        return timed


def languages_of(network: Network, encoded: Encoded, known: Sequence[str]) -> list[dict[str, float]]:
    """Return for each window the `known` languages with their probabilities, the likeliest first; they sum to 1."""
    if len(known) == 1:
        return [{known[0]: 1.0}] * len(encoded)
    rows = []
    for guesses in network.languages(encoded):
        found = {code: probability for code, probability in guesses.items() if code in known}
        total = sum(found.values())
        rows.append({code: probability / total for code, probability in found.items()})
    return rows
