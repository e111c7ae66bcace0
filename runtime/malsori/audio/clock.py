"""Where sound belongs on the clock: gaps and damage become silence, so that what comes behind keeps its time.

Two clocks are held against each other: the samples read so far, and the times that the file gives its packets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_S = 3_600.0
"""How much silence all gaps of a file may become; a false clock would else make days of it out of a few bytes."""

SLACK_S = 0.1  # some containers count in steps, stamp packets when they came, or begin two frames of priming late
_LOOSE_S = 0.5  # where durations are reckoned with a sample rate that has changed since
_BACK_S = 0.5  # further back than overlapping stamps go: another recording begins
_TOLD = 3  # places that a line names


@dataclass(slots=True)
class _Places:
    """Where something was found, and how long it lasts, in seconds."""

    count: int = 0
    seconds: float = 0.0
    first: list[tuple[float, float]] = field(default_factory=list)

    def add(self, at: float, seconds: float) -> None:
        """Count one, or make the last one longer when this one begins where it ends."""
        self.seconds += seconds
        if self.first and self.count <= _TOLD and abs(sum(self.first[-1]) - at) < 1e-3:
            self.first[-1] = (self.first[-1][0], self.first[-1][1] + seconds)
            return
        self.count += 1
        if self.count <= _TOLD:
            self.first.append((at, seconds))

    def __str__(self) -> str:
        places = ", ".join(f"{seconds:.2f} s at {at:.2f} s" for at, seconds in self.first)
        return places + (f" and {self.count - _TOLD} more, {self.seconds:.2f} s in all" if self.count > _TOLD else "")


class FileClock:
    """Says how much silence belongs before each frame, and keeps account of it.

    Without `follow`, times of packets are not looked at: only what does not decode becomes silence.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._trusted, self._longest = False, LONGEST_S
        self._offset: float | None = None  # what the file's clock shows when ours shows 0
        self._lost = 0.0
        self._stopped = ""
        self._leaps, self._joins = _Places(), _Places()
        self._slack = SLACK_S
        self.leapt = 0.0
        self.elapsed = 0.0
        self.lead = 0.0
        self.tail = 0.0
        self.cut = False  # told elsewhere, with how much is missing
        self.gaps, self.damage = _Places(), _Places()
        self.silences: list[tuple[float, float]] = []  # from where to where, in seconds, ascending and apart

    def follow(self, start: float | None, longest: float, slack: float = SLACK_S) -> None:
        """Hold what comes against the file's clock, where `start` is 0 for us; None: the first frame's time is.

        A gap of more than `slack` and up to `longest` seconds becomes silence.
        """
        self._trusted, self._longest, self._slack = True, longest, slack
        self._start = start if self._offset is None and not self.elapsed else None
        self._offset = None

    @property
    def filled(self) -> float:
        """Seconds of silence that stand for sound that is not there."""
        return self.lead + self.gaps.seconds + self.damage.seconds

    def change_rate(self, *, exact: bool) -> None:
        """Take note of another sample rate: the file's clock is reckoned with the first one, if not `exact`ly in it."""
        self._slack = max(self._slack, _LOOSE_S)
        self._trusted = self._trusted and not exact

    def lose(self, seconds: float) -> None:
        """Take note of a packet of such a length that does not decode."""
        self._lost += seconds

    def advance(self, seconds: float) -> None:
        """Take note of sound that was read."""
        self.elapsed += seconds

    def silence_before(self, time: float | None) -> float:
        """Return how many seconds of silence belong before a frame that the file says to be at `time`."""
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
        """Take note that nothing follows: what does not decode at the end needs no silence."""
        self.tail, self._lost = self._lost, 0.0

    def stop(self, reason: str) -> None:
        """Take note that what follows cannot be read, not even taken apart."""
        self._stopped = f"what follows at {self.elapsed:.2f} s cannot be read ({reason})"

    def join(self, at: float | None = None) -> None:
        """Take note that another recording begins here (or at `at` seconds), on a clock of its own."""
        self._offset = None
        self._joins.add(self.elapsed if at is None else at, 0.0)

    def notes(self) -> list[str]:
        """Say what was found, a line each."""
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
            more = " and more" if self._joins.count > _TOLD else ""
            lines.append(f"{self._joins.count + 1} recordings one behind the other, joined at {places}{more}")
        return lines

    def _begin(self, time: float, lost: float) -> float:
        """Set the offset by the first frame; sound that starts behind the file's own start begins with silence."""
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
        """Book a gap and return its length; one without room leaves the file's clock behind instead."""
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
        """Keep account of silence that begins here; one that follows another makes that longer."""
        start, stop = self.elapsed, self.elapsed + seconds
        if self.silences and start - self.silences[-1][1] < 1e-3:
            start = self.silences.pop()[0]
        self.silences.append((start, stop))
