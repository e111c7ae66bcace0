"""How much silence stands before each frame: gaps and damage become silence, so that the sound behind keeps its time.

The samples read so far are compared with the times that the file gives its packets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_S = 3_600.0
"""Most seconds of silence in a file; a wrong clock could else make days of silence out of a few bytes."""

SLACK_S = 0.1  # some containers count in steps, stamp packets when they came, or begin two frames of priming late
_LOOSE_S = 0.5  # slack where durations are computed with a sample rate that has changed since
_BACK_S = 0.5  # a time that goes back further than overlapping stamps do begins another recording
_MOST = 3  # places that a line names


@dataclass(slots=True)
class _Places:
    """Places in seconds where something was found: how many, how long in all, and the first ones with their lengths."""

    count: int = 0
    seconds: float = 0.0
    first: list[tuple[float, float]] = field(default_factory=list)

    def add(self, at: float, seconds: float) -> None:
        """Add a place; one that begins where the last one ends makes that longer."""
        self.seconds += seconds
        if self.first and self.count <= _MOST and abs(sum(self.first[-1]) - at) < 1e-3:
            self.first[-1] = (self.first[-1][0], self.first[-1][1] + seconds)
            return
        self.count += 1
        if self.count <= _MOST:
            self.first.append((at, seconds))

    def __str__(self) -> str:
        places = ", ".join(f"{seconds:.2f} s at {at:.2f} s" for at, seconds in self.first)
        return places + (f" and {self.count - _MOST} more, {self.seconds:.2f} s in all" if self.count > _MOST else "")


class FileClock:
    """Computes how much silence belongs before each frame, and sums it up. All times are in seconds.

    Until `follow` is called, times of packets are ignored: only what does not decode becomes silence.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._trusted, self._longest = False, LONGEST_S
        self._offset: float | None = None  # the file's time at our 0
        self._lost = 0.0
        self._stopped = ""
        self._leaps, self._joins = _Places(), _Places()
        self._slack = SLACK_S
        self.leapt = 0.0
        self.elapsed = 0.0
        self.lead = 0.0
        self.tail = 0.0
        self.cut = False  # whether another note already says that the end is missing
        self.gaps, self.damage = _Places(), _Places()
        self.silences: list[tuple[float, float]] = []  # start and end of each, ascending and apart

    def follow(self, start: float | None, longest: float, slack: float = SLACK_S) -> None:
        """Compare frames with the file's clock from now on; `start` is our 0 on it, None the first frame's time.

        A gap of more than `slack` and up to `longest` seconds becomes silence.
        """
        self._trusted, self._longest, self._slack = True, longest, slack
        self._start = start if self._offset is None and not self.elapsed else None
        self._offset = None

    @property
    def filled(self) -> float:
        """Seconds of silence in place of missing sound."""
        return self.lead + self.gaps.seconds + self.damage.seconds

    def change_rate(self, *, exact: bool) -> None:
        """Note another sample rate; an `exact` clock, which counts samples of the first one, is ignored from now on."""
        self._slack = max(self._slack, _LOOSE_S)
        self._trusted = self._trusted and not exact

    def lose(self, seconds: float) -> None:
        """Note that a packet of such a length does not decode."""
        self._lost += seconds

    def advance(self, seconds: float) -> None:
        """Note that so much sound was read."""
        self.elapsed += seconds

    def silence_before(self, time: float | None) -> float:
        """Return how many seconds of silence belong before a frame whose time in the file is `time`."""
        lost, self._lost = self._lost, 0.0
        if time is None or not self._trusted:
            return self._fill(lost, damaged=True) if lost else 0.0
        if self._offset is None:
            return self._begin(time, lost)
        jump = time - self._offset - self.elapsed
        if jump < -_BACK_S:
            self.join()
            self._offset = time - self.elapsed
            return self._fill(lost, damaged=True) if lost else 0.0
        if lost:
            return self._fill(jump, damaged=True) if jump > 0 else 0.0
        return self._fill(jump, damaged=False) if jump > self._slack else 0.0

    def end(self) -> None:
        """Note that the sound has ended: what does not decode at the end gets no silence."""
        self.tail, self._lost = self._lost, 0.0

    def stop(self, reason: str) -> None:
        """Note that the rest of the file cannot be split into packets."""
        self._stopped = f"what follows at {self.elapsed:.2f} s cannot be read ({reason})"

    def join(self, at: float | None = None) -> None:
        """Note that another recording begins here (or at `at` seconds), with a clock of its own."""
        self._offset = None
        self._joins.add(self.elapsed if at is None else at, 0.0)

    def notes(self) -> list[str]:
        """Return a line for each kind of fault found."""
        lines = []
        if self.lead:
            lines.append(f"the sound begins {self.lead:.2f} s late; silence stands for that (--start-at-zero drops it)")
        if self.gaps.count:
            lines.append(f"silence stands for gaps in the recording: {self.gaps}")
        if self.damage.count:
            lines.append(f"silence stands for what does not decode: {self.damage}")
        if self.tail and not self.cut:
            lines.append(f"the last {self.tail:.2f} s do not decode")
        if self._stopped and not self.cut:
            lines.append(self._stopped)
        if self._leaps.count:
            lines.append(f"the file's clock leaps too far for silence, times run on: {self._leaps}")
        if self._joins.count:
            places = ", ".join(f"{at:.2f} s" for at, _ in self._joins.first)
            more = " and more" if self._joins.count > _MOST else ""
            lines.append(f"{self._joins.count + 1} recordings one behind the other, joined at {places}{more}")
        return lines

    def _begin(self, time: float, lost: float) -> float:
        """Set the offset by the first frame; return the silence for sound that begins later than the file does."""
        late = time - self._start if self._start is not None else 0.0
        if lost:
            silence = self._fill(lost, damaged=True)
        elif late > SLACK_S and late <= self._longest:
            silence = self.lead = late
            self._silence(late)
        else:
            silence = 0.0
        self._offset = time - self.elapsed - silence
        return silence

    def _fill(self, seconds: float, damaged: bool) -> float:
        """Record a gap and return its length; one that is too long moves the offset instead and becomes no silence."""
        if seconds > self._longest or seconds + self.filled > LONGEST_S:
            self._leaps.add(self.elapsed, seconds)
            self.leapt += seconds
            if self._offset is not None:
                self._offset += seconds
            return 0.0
        (self.damage if damaged else self.gaps).add(self.elapsed, seconds)
        self._silence(seconds)
        return seconds

    def _silence(self, seconds: float) -> None:
        """Record silence that begins here; one that follows another makes that longer."""
        start, stop = self.elapsed, self.elapsed + seconds
        if self.silences and start - self.silences[-1][1] < 1e-3:
            start = self.silences.pop()[0]
        self.silences.append((start, stop))
