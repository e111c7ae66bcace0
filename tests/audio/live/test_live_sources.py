"""Live sources: pipes and files on a schedule, microphones that are lost and come back, what is lost on the way."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from malsori.audio.live import Captured, LiveSource, PcmPipe, Simulated, list_microphones, open_microphone
from malsori.audio.live.arecord import SILENT_S, Arecord
from malsori.audio.live.capture import Inbox, InputDevice, pick
from malsori.audio.live.microphone import Microphone, microphones, rescan
from malsori.audio.live.reconnecting import Reconnecting
from malsori.errors import AudioNotFound, EmptyAudio, MicrophoneLost, NoMicrophone, OptionError, UnsupportedFormat
from tests.loudness import recording, wav

WAIT = 5.0  # seconds that a test waits for what comes at once


class Clock:
    """A clock that goes on only when somebody sleeps, and by `late` too much each time."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 100.0
        self.late = late

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late


def drained(source: LiveSource) -> list[Captured]:
    """Read a source to its end; return the blocks that hold something."""
    blocks = iter(lambda: source.read(WAIT), None)
    return [block for block in blocks if len(block.samples) or block.lost or block.trouble]


def until_lost(microphone: Arecord) -> tuple[list[Captured], MicrophoneLost]:
    """Read until the microphone is lost; return what came, and how that was told."""
    found: list[Captured] = []
    try:
        while True:
            found.append(microphone.read(WAIT))
    except MicrophoneLost as error:
        return found, error
    finally:
        microphone.close()


def joined(blocks: list[Captured]) -> NDArray[Any]:
    return np.concatenate([block.samples for block in blocks])


class TestInbox:
    def test_blocks_come_out_as_they_went_in(self):
        inbox = Inbox(100)
        inbox.put(np.arange(3))
        inbox.put(np.arange(4), lost=7, reason="overrun")
        assert inbox.take(0).samples.tolist() == [0, 1, 2]
        second = inbox.take(0)
        assert (second.samples.tolist(), second.lost, second.reason) == ([0, 1, 2, 3], 7, "overrun")

    def test_the_oldest_blocks_give_way_and_are_a_gap_before_the_first_that_is_left(self):
        inbox = Inbox(25)
        for number in range(5):
            inbox.put(np.full(10, number), lost=number == 1)
        found = [inbox.take(0) for _ in range(2)]
        assert [(block.samples[0], block.lost) for block in found] == [(3, 31), (4, 0)]
        assert inbox.overruns == 3

    def test_every_frame_is_given_or_counted_whenever_it_is_read(self):
        inbox, random = Inbox(50), np.random.default_rng(0)
        put = given = 0
        for _ in range(2_000):
            if random.random() < 0.7:
                inbox.put(np.zeros(count := int(random.integers(1, 20))))
                put += count
            else:
                block = inbox.take(0)
                given += len(block.samples) + block.lost
        while len((block := inbox.take(0)).samples):
            given += len(block.samples) + block.lost
        assert given == put

    def test_a_block_larger_than_the_limit_is_kept(self):
        inbox = Inbox(5)
        inbox.put(np.zeros(9))
        assert len(inbox.take(0).samples) == 9

    def test_nothing_in_time_is_an_empty_block_and_nothing_ever_is_none(self):
        inbox = Inbox(5)
        assert len(inbox.take(0).samples) == 0
        inbox.put(np.zeros(1))
        inbox.close()
        assert len(inbox.take(0).samples) == 1
        assert inbox.take(WAIT) is None

    def test_a_reader_that_waits_is_woken(self):
        inbox = Inbox(5)
        threading.Timer(0.05, inbox.put, [np.zeros(2)]).start()
        assert len(inbox.take(WAIT).samples) == 2


class TestPipe:
    @pytest.fixture
    def pipe(self) -> Iterator[tuple[int, Callable[..., None]]]:
        """A descriptor to read from, and what writes pieces to it, one after another, and closes it."""
        reading, writing = os.pipe()

        def write(*pieces: bytes) -> None:
            for piece in pieces:
                os.write(writing, piece)
            os.close(writing)

        yield reading, write
        os.close(reading)

    def test_half_a_sample_waits_for_its_other_half(self, pipe):
        samples = np.arange(-500, 500, dtype="<i2")
        data = samples.tobytes()
        pieces = [data[start : start + 7] for start in range(0, len(data), 7)]
        thread = threading.Thread(target=pipe[1], args=pieces)
        thread.start()
        found = joined(drained(PcmPipe(pipe[0])))
        thread.join()
        assert found.dtype == np.int16
        assert found.tolist() == samples.tolist()

    def test_half_a_sample_at_the_end_is_dropped(self, pipe):
        pipe[1](np.array([1, 2], "<i2").tobytes() + b"\x03")
        assert joined(drained(PcmPipe(pipe[0]))).tolist() == [1, 2]

    def test_channels_are_interleaved_and_a_part_of_a_frame_at_the_end_is_dropped(self, pipe):
        pipe[1](np.array([1, 2, 3, 4, 5], "<i2").tobytes())
        assert joined(drained(PcmPipe(pipe[0], channels=2))).tolist() == [[1, 2], [3, 4]]

    def test_floats_are_taken_as_they_are(self, pipe):
        pipe[1](np.array([0.25, np.nan], "<f4").tobytes())
        found = joined(drained(PcmPipe(pipe[0], encoding="pcm_f32le", rate=48_000)))
        assert found.dtype == np.float32
        assert found[0] == 0.25

    def test_nothing_at_all_is_the_end(self, pipe):
        pipe[1]()
        assert PcmPipe(pipe[0]).read(WAIT) is None

    def test_a_silent_pipe_gives_an_empty_block_in_time(self, pipe):
        assert len(PcmPipe(pipe[0]).read(0.01).samples) == 0
        pipe[1]()

    @pytest.mark.parametrize("start", [b"RIFF", b"fLaC", b"OggS"])
    def test_a_sound_file_is_not_heard_as_noise(self, pipe, start: bytes):
        pipe[1](start + bytes(40))
        with pytest.raises(UnsupportedFormat, match=r"<pipe>: expected raw PCM \(arecord -t raw\)"):
            PcmPipe(pipe[0]).read(WAIT)

    def test_those_bytes_later_on_are_sound(self, pipe):
        pipe[1](bytes(3_200) + b"RIFF")
        assert len(joined(drained(PcmPipe(pipe[0])))) == 1_602

    @pytest.mark.parametrize(("name", "value"), [("rate", 3_999), ("rate", 400_000), ("channels", 33)])
    def test_a_rate_or_channels_out_of_bounds_are_named(self, pipe, name: str, value: int):
        with pytest.raises(UnsupportedFormat, match=str(value)):
            PcmPipe(pipe[0], **{name: value})
        pipe[1]()

    def test_an_unknown_encoding_is_told_with_those_there_are(self, pipe):
        with pytest.raises(OptionError, match="no encoding 'mp3'; there are pcm_s16le, pcm_f32le"):
            PcmPipe(pipe[0], encoding="mp3")
        pipe[1]()

    def test_a_descriptor_that_cannot_be_read_is_an_error(self, tmp_path: Path):
        folder = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(AudioNotFound, match="read error"):
            PcmPipe(folder).read(WAIT)
        os.close(folder)


class TestSimulated:
    def test_the_sound_is_that_of_the_file(self):
        sound = recording((10, 0.31))
        found = joined(drained(Simulated(sound, speed=float("inf"))))
        assert np.array_equal(found, sound)

    @pytest.mark.parametrize("speed", [1.0, 2.0, 10.0])
    def test_blocks_come_on_a_schedule_that_late_waits_do_not_shift(self, speed: float):
        clock = Clock(late=0.004)
        source = Simulated(np.zeros(16_000, np.float32), speed, clock=clock, sleep=clock.sleep)
        begun, arrivals = clock.now, []
        while (captured := source.read(WAIT)) is not None:
            arrivals.append((clock.now - begun, len(captured.samples)))
        due = np.cumsum([samples for _, samples in arrivals]) / (16_000 * speed)
        late = np.array([at for at, _ in arrivals]) - due
        assert late.min() >= -1e-9
        assert late.max() < 0.0041

    def test_a_late_reader_gets_what_is_due_at_once(self):
        clock = Clock()
        source = Simulated(np.zeros(16_000, np.float32), clock=clock, sleep=clock.sleep)
        source.read(WAIT)
        clock.now += 0.5
        before = clock.now
        assert sum(len(source.read(0).samples) for _ in range(25)) == 25 * 320
        assert clock.now == before

    def test_what_is_not_due_in_time_is_an_empty_block(self):
        clock = Clock()
        source = Simulated(np.zeros(16_000, np.float32), clock=clock, sleep=clock.sleep)
        assert len(source.read(0.015).samples) == 0
        assert len(source.read(0.015).samples) == 320

    def test_without_waiting_nobody_sleeps(self):
        def never(seconds: float) -> None:
            raise AssertionError(seconds)

        assert drained(Simulated(np.zeros(16_000, np.float32), float("inf"), sleep=never))

    @pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e-320, 0.009])
    def test_a_speed_at_which_nothing_would_ever_come_is_refused(self, speed: float):
        with pytest.raises(OptionError, match=r"speed: expected a number of 0\.01 or more, or max, found"):
            Simulated(np.zeros(10, np.float32), speed)

    def test_a_file_that_is_deleted_while_it_is_played_is_played_to_its_end(self, tmp_path: Path):
        sound = np.sin(np.arange(40 * 16_000, dtype=np.float32)) / 2
        (tmp_path / "said.wav").write_bytes(wav(sound))
        source = Simulated(tmp_path / "said.wav", float("inf"))
        source.read(WAIT)
        (tmp_path / "said.wav").unlink()
        assert sum(len(block.samples) for block in drained(source)) == len(sound) - 320

    def test_a_missing_file_is_told_at_once(self):
        with pytest.raises(AudioNotFound):
            Simulated("none.wav")

    def test_an_empty_file_is_an_error_when_it_is_read(self):
        with pytest.raises(EmptyAudio):
            drained(Simulated(io.BytesIO(wav(np.zeros(0, np.float32)))))


class PortAudioError(Exception):
    """What sounddevice raises."""


class SoundDevice:
    """Stands for the module sounddevice: devices in a list, and a stream whose callback the test calls."""

    PortAudioError = PortAudioError

    def __init__(self, *devices: dict[str, Any], accepts: Callable[[int, int], bool] = lambda rate, channels: True):
        self.devices = devices
        self.accepts = accepts
        self.streams: list[PortAudioStream] = []
        self.scans = 0

    def query_devices(self, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        if not self.devices:
            raise PortAudioError("Error querying device -1")
        return self.devices[-1]

    def check_input_settings(self, *, device: int, samplerate: int, channels: int, dtype: str) -> None:
        if not self.accepts(samplerate, channels):
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, **settings: Any) -> PortAudioStream:
        if not self.accepts(settings["samplerate"], settings["channels"]):
            raise PortAudioError("Invalid sample rate")
        self.streams.append(PortAudioStream(settings))
        return self.streams[-1]

    def _terminate(self) -> None:
        self.scans += 1

    def _initialize(self) -> None:
        return None


class PortAudioStream:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.running = False
        self.hangs = threading.Event()
        self.hangs.set()
        self.clock = 0.0

    def start(self) -> None:
        self.running = True

    def abort(self) -> None:
        self.hangs.wait(WAIT)
        self.running = False

    def close(self) -> None:
        return None

    def bring(self, block: NDArray[np.int16], *, lost: float = 0.0, tells: bool = True) -> None:
        """Call back with a block, before which `lost` seconds went missing; PortAudio reuses the memory of it."""
        self.clock += lost
        buffer = block.reshape(len(block), -1).copy()
        times = SimpleNamespace(inputBufferAdcTime=self.clock + 1.0 if tells else 0.0)
        self.settings["callback"](buffer, len(block), times, SimpleNamespace(input_overflow=lost > 0))
        buffer[:] = 99
        self.clock += len(block) / self.settings["samplerate"]


def device(index: int, name: str, channels: int = 1, rate: float = 44_100.0, hostapi: int = 0) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "hostapi": hostapi,
        "max_input_channels": channels,
        "default_samplerate": rate,
    }


BUILT_IN, SPEAKER, USB = device(0, "Built-in Mic"), device(1, "Speaker", channels=0), device(2, "USB Audio: hw:1,0")


class TestMicrophone:
    def test_blocks_are_copied_out_of_the_callback(self):
        library = SoundDevice(BUILT_IN)
        microphone = Microphone(library=library)
        library.streams[0].bring(np.arange(5, dtype=np.int16))
        assert microphone.read(WAIT).samples.tolist() == [0, 1, 2, 3, 4]

    def test_it_records_at_16_khz_where_the_device_does(self):
        assert Microphone(library=SoundDevice(BUILT_IN)).rate == 16_000

    def test_it_records_at_the_rate_of_the_device_where_it_does_not(self):
        assert Microphone(library=SoundDevice(BUILT_IN, accepts=lambda rate, channels: rate == 44_100)).rate == 44_100

    def test_a_device_that_has_only_stereo_is_recorded_in_stereo(self):
        library = SoundDevice(device(0, "Line", channels=2), accepts=lambda rate, channels: channels == 2)
        microphone = Microphone(library=library)
        library.streams[0].bring(np.array([[1, 2], [3, 4]], np.int16))
        assert (microphone.rate, microphone.channels) == (16_000, 2)
        assert microphone.read(WAIT).samples.tolist() == [[1, 2], [3, 4]]

    @pytest.mark.parametrize("tells", [True, False])
    def test_an_overrun_is_a_gap_of_its_length(self, tells: bool):
        clock = Clock()
        library = SoundDevice(BUILT_IN)
        microphone = Microphone(library=library, clock=clock)
        block = np.zeros(320, np.int16)
        library.streams[0].bring(block, tells=tells)
        clock.now += 0.25 + 0.02 + (0.1 if tells else 0.0)  # a callback may be late, the device's clock is not
        library.streams[0].bring(block, lost=0.25, tells=tells)
        clock.now += 0.02
        library.streams[0].bring(block, tells=tells)
        found = [microphone.read(WAIT) for _ in range(3)]
        assert [block.lost for block in found] == [0, 4_000, 0]
        assert found[1].reason == "the microphone's buffer ran over"

    def test_a_reader_who_stops_costs_the_oldest_sound_and_is_told_how_much(self):
        library = SoundDevice(BUILT_IN)
        microphone = Microphone(library=library)
        for second in range(35):
            library.streams[0].bring(np.full(16_000, second, np.int16))
        first = microphone.read(WAIT)
        assert (first.samples[0], first.lost, first.reason) == (5, 5 * 16_000, "nobody read it in time")
        assert microphone.overruns == 5

    def test_a_second_and_a_half_without_a_block_is_a_lost_microphone(self):
        clock = Clock()
        library = SoundDevice(USB)
        microphone = Microphone(library=library, clock=clock)
        library.streams[0].bring(np.zeros(320, np.int16))
        clock.now += 1.6
        assert len(microphone.read(0).samples) == 320  # what had come is given first
        with pytest.raises(MicrophoneLost, match=r"USB Audio: hw:1,0: expected sound, found none for 1\.5 s"):
            microphone.read(0)

    def test_a_device_that_hangs_when_it_is_closed_is_left_to_itself(self):
        library = SoundDevice(USB)
        microphone = Microphone(library=library)
        library.streams[0].hangs.clear()
        microphone.close()
        still_hanging = library.streams[0].running
        library.streams[0].hangs.set()
        assert still_hanging

    def test_a_device_is_chosen_by_number_or_by_a_part_of_its_name(self):
        library = SoundDevice(BUILT_IN, SPEAKER, USB)
        assert Microphone(0, library=library).name == "Built-in Mic"
        assert Microphone("0", library=library).name == "Built-in Mic"
        assert Microphone("usb", library=library).name == "USB Audio: hw:1,0"

    def test_without_a_choice_the_default_device_records(self):
        assert Microphone(library=SoundDevice(BUILT_IN, USB)).name == "USB Audio: hw:1,0"

    @pytest.mark.parametrize("wanted", [1, 7, "speaker", "", "webcam"])
    def test_what_is_no_microphone_is_an_error_with_those_there_are(self, wanted: int | str):
        with pytest.raises(NoMicrophone, match="these: 0 Built-in Mic, 2 USB Audio: hw:1,0"):
            Microphone(wanted, library=SoundDevice(BUILT_IN, SPEAKER, USB))

    def test_no_device_at_all_is_an_error(self):
        with pytest.raises(NoMicrophone, match="is it plugged in"):
            Microphone(library=SoundDevice())

    def test_a_device_that_is_busy_is_an_error(self):
        with pytest.raises(NoMicrophone, match="a microphone that can be opened, found Invalid sample rate"):
            Microphone(library=SoundDevice(USB, accepts=lambda rate, channels: False))

    def test_devices_of_the_default_interface_come_first_and_the_default_is_marked(self):
        found = microphones(SoundDevice(BUILT_IN, SPEAKER, device(3, "USB", 2, 48_000.0, hostapi=1)))
        assert found == [
            InputDevice(3, "USB", 2, 48_000, default=True),
            InputDevice(0, "Built-in Mic", 1, 44_100),
        ]

    def test_an_exact_name_wins_over_one_that_holds_it(self):
        assert pick([InputDevice(0, "Mic 2"), InputDevice(1, "Mic")], "Mic").number == 1


class Device:
    """A microphone on a clock of the test's, unplugged and plugged in when the test says so."""

    name, rate, channels = "usb", 16_000, 1

    def __init__(self, clock: Clock, hangs: float = 0.0) -> None:
        self.clock = clock
        self.hangs = hangs  # seconds, on being closed
        self.plugged = True
        self.opened: list[float] = []
        self.closed = 0
        self.heard = clock.now

    def connect(self) -> Device:
        self.opened.append(self.clock.now)
        if not self.plugged:
            raise NoMicrophone("usb", "a device", "none")
        self.heard = self.clock.now
        return self

    def read(self, timeout: float) -> Captured:
        if self.plugged:
            self.clock.now += 0.1
            self.heard = self.clock.now
            return Captured(np.ones(1_600, np.int16))
        self.clock.now = max(self.clock.now, self.heard + 1.5)
        raise MicrophoneLost("usb", "sound", "none")

    def close(self) -> None:
        self.clock.now += self.hangs
        self.closed += 1


class TestReconnecting:
    def test_a_device_that_hangs_when_it_is_closed_is_told_to_be_lost_within_two_seconds(self):
        clock = Clock()
        usb = Device(clock, hangs=1.0)
        source = Reconnecting(usb, usb.connect, clock=clock, sleep=clock.sleep)
        source.read(0.1)
        usb.plugged = False
        assert source.read(0.1).trouble is not None
        assert clock.now - usb.heard <= 2.0
        source.read(0.1)
        assert usb.closed == 1

    def test_one_that_is_lost_is_closed_when_nobody_reads_on(self):
        clock = Clock()
        usb = Device(clock)
        source = Reconnecting(usb, usb.connect, clock=clock, sleep=clock.sleep)
        usb.plugged = False
        source.read(0.1)
        source.close()
        source.close()
        assert usb.closed == 1

    def test_a_lost_microphone_is_told_once_and_is_a_gap_up_to_its_return(self):
        clock = Clock()
        usb = Device(clock)
        source = Reconnecting(usb, usb.connect, clock=clock, sleep=clock.sleep)
        begun = clock.now
        found = [source.read(0.1) for _ in range(3)]
        usb.plugged = False
        found += [source.read(0.1) for _ in range(60)]
        usb.plugged = True
        found += [source.read(0.1) for _ in range(60)]
        assert [str(block.trouble) for block in found if block.trouble] == ["usb: expected sound, found none"]
        assert usb.closed == 1
        accounted = sum(len(block.samples) + block.lost for block in found)
        assert accounted == pytest.approx(16_000 * (clock.now - begun), abs=2)
        assert sum(block.lost > 0 for block in found) == 2  # when it was lost, and when it was back

    def test_tries_come_less_and_less_often_but_never_less_than_every_ten_seconds(self):
        clock = Clock()
        usb = Device(clock)
        source = Reconnecting(usb, usb.connect, clock=clock, sleep=clock.sleep)
        usb.plugged = False
        for _ in range(700):
            source.read(0.1)
        waits = np.diff([100.0 + 1.5, *usb.opened])
        assert waits[:7].round(3).tolist() == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]

    def test_one_that_gives_sound_again_is_tried_soon_the_next_time(self):
        clock = Clock()
        usb = Device(clock)
        source = Reconnecting(usb, usb.connect, clock=clock, sleep=clock.sleep)
        for plugged in (False, True):
            usb.plugged = plugged
            for _ in range(120):
                source.read(0.1)
        usb.plugged = False
        source.read(0.1)
        lost = clock.now
        for _ in range(10):
            source.read(0.1)
        assert usb.opened[-1] - lost == pytest.approx(0.5)

    def test_closed_it_lets_go_of_the_microphone(self):
        usb = Device(Clock())
        Reconnecting(usb, usb.connect).close()
        assert usb.closed == 1


ARECORD = """#!/bin/sh
case "$*" in
-L)
  [ "$LC_ALL" = C ] && nothing="Discard all samples" || nothing="Alles wegwerfen"
  printf "null\\n    $nothing\\nplughw:CARD=Device,DEV=0\\n    USB Audio Device\\nhw:CARD=Device,DEV=0\\n"
  exit;;
*"-D gone"*) echo "arecord: main:828: audio open error: No such file or directory" >&2; exit 1;;
esac
echo "$*" > arguments
exec {python} sound.py
"""
SOUND = """
import os, sys, time
out = sys.stdout.buffer
for number in range(10):
    out.write(number.to_bytes(2, "little") * 320)
    out.flush()
    if number == 4 and "{what}" == "overrun":
        english = os.environ.get("LC_ALL") == "C"
        told = "overrun!!! (at least 250.000 ms long)" if english else "Ueberlauf!!! (mindestens 250,000 ms lang)"
        print(told, file=sys.stderr, flush=True)
        time.sleep(0.5)
if "{what}" == "stall":
    time.sleep(30)
if "{what}" == "half":
    out.write(b"x")
print("arecord: pcm_read:2221: read error: No such device", file=sys.stderr)
"""


@pytest.fixture
def alsa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program called arecord on the path that gives 200 ms of sound and then does what it is told to."""

    def install(what: str) -> None:
        program = tmp_path / "arecord"
        program.write_text(ARECORD.format(python=sys.executable))
        program.chmod(0o755)
        (tmp_path / "sound.py").write_text(SOUND.format(what=what))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return install


def hang(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Have processes and threads waited for in vain, on a clock of the test's."""

    def wait(process: object, timeout: float) -> None:
        clock.sleep(timeout)
        raise subprocess.TimeoutExpired("arecord", timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", wait)
    monkeypatch.setattr(threading.Thread, "join", lambda thread, timeout: clock.sleep(timeout))


def lost(microphone: Arecord) -> MicrophoneLost | None:
    """Read once; return how it was told that the microphone is lost."""
    try:
        microphone.read(WAIT)
    except MicrophoneLost as error:
        return error
    return None


@pytest.mark.skipif(sys.platform == "win32", reason="arecord is of Linux")
class TestArecord:
    def test_what_the_program_records_is_read_until_the_device_is_gone(self, alsa, tmp_path: Path):
        alsa("die")
        microphone = Arecord()
        blocks, error = until_lost(microphone)
        assert re.search(r"\(arecord\): expected sound, found that it ended .*No such device", str(error))
        assert (joined(blocks) * 32_768).tolist() == np.repeat(np.arange(10), 320).tolist()
        assert (tmp_path / "arguments").read_text() == "-q -t raw -f S16_LE -r 16000 -c 1\n"

    def test_a_program_that_stalls_is_a_lost_microphone_within_two_seconds(self, alsa):
        alsa("stall")
        blocks, error = until_lost(Arecord())
        assert len(joined(blocks)) == 3_200
        assert "found none for 1.5 s" in str(error)

    def test_a_program_that_gives_no_sound_and_does_not_end_is_told_to_be_lost_within_two_seconds(
        self, alsa, monkeypatch: pytest.MonkeyPatch
    ):
        alsa("die")
        microphone, clock = Arecord(), Clock()
        begun = clock.now
        with monkeypatch.context() as patch:
            hang(patch, clock)
            while (error := lost(microphone)) is None:
                pass
        microphone.close()
        assert "it ended" in str(error)
        assert 0 < clock.now - begun <= 2.0 - SILENT_S

    def test_an_overrun_that_the_program_tells_of_is_a_gap_whatever_the_users_language(
        self, alsa, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
        alsa("overrun")
        blocks, _ = until_lost(Arecord())
        heard, gaps = 0, []
        for block in blocks:
            gaps += [(heard, block.lost)] * (block.lost > 0)
            heard += len(block.samples)
        assert [lost for _, lost in gaps] == [4_000]
        assert gaps[0][0] <= 5 * 320  # sound that is still in the pipe then comes behind the gap

    def test_half_a_sample_at_its_end_is_dropped(self, alsa):
        alsa("half")
        blocks, _ = until_lost(Arecord())
        assert len(joined(blocks)) == 3_200

    def test_a_device_that_cannot_be_opened_is_an_error_in_the_words_of_the_program(self, alsa):
        alsa("die")
        with pytest.raises(NoMicrophone, match=r"gone:0 \(arecord\): expected sound, found .*No such file"):
            Arecord("gone:0")

    def test_a_device_is_chosen_by_number_or_by_a_part_of_its_name(self, alsa, tmp_path: Path):
        alsa("die")
        for wanted in (0, "plug"):
            Arecord(wanted).close()
            assert (tmp_path / "arguments").read_text().endswith("-D plughw:CARD=Device,DEV=0\n")

    def test_it_records_where_sounddevice_is_missing_and_says_so(self, alsa, monkeypatch: pytest.MonkeyPatch):
        alsa("die")
        monkeypatch.setitem(sys.modules, "sounddevice", None)
        told: list[str] = []
        microphone = open_microphone(tell=told.append)
        found = [microphone.read(WAIT) for _ in range(3)]
        microphone.close()
        assert len(found[0].samples) > 0
        assert len(told) == 1
        assert "pip install 'malsori[mic]'" in told[0]
        assert [(entry.name, entry.note) for entry in list_microphones()][:2] == [
            ("plughw:CARD=Device,DEV=0", "USB Audio Device"),  # and not "null", which comes before it
            ("hw:CARD=Device,DEV=0", ""),
        ]

    def test_a_device_that_dies_is_opened_again_and_its_sound_goes_on(self, alsa, monkeypatch: pytest.MonkeyPatch):
        alsa("die")
        monkeypatch.setitem(sys.modules, "sounddevice", None)
        microphone = open_microphone()
        blocks: list[Captured] = []
        while sum(len(block.samples) for block in blocks) < 6_400:
            blocks.append(microphone.read(0.1))
        microphone.close()
        assert sum(block.trouble is not None for block in blocks) >= 1
        assert any(block.lost >= 0.4 * 16_000 for block in blocks)

    def test_without_either_both_ways_to_get_one_are_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setitem(sys.modules, "sounddevice", None)
        monkeypatch.setenv("PATH", str(tmp_path))
        for asked in (open_microphone, list_microphones):
            with pytest.raises(NoMicrophone, match=r"pip install 'malsori\[mic\]', or the package alsa-utils"):
                asked()


def test_devices_are_not_looked_for_anew_while_another_microphone_is_open():
    library = SoundDevice(USB)
    other = Microphone(library=library)
    rescan(library)
    assert library.scans == 0
    other.close()


def test_a_microphone_is_looked_for_anew_before_it_is_opened_again(monkeypatch: pytest.MonkeyPatch):
    library = SoundDevice(BUILT_IN, USB)
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    clock = Clock()
    source = open_microphone("usb", clock=clock, sleep=clock.sleep)
    library.streams[0].bring(np.zeros(320, np.int16))
    assert len(source.read(0).samples) == 320
    clock.now += 2.0
    assert source.read(0).trouble is not None
    library.devices = (USB | {"index": 0},)  # another number than before
    for _ in range(10):
        source.read(0.1)
    assert library.scans == 1
    assert [stream.settings["device"] for stream in library.streams] == [2, 0]
    source.close()
