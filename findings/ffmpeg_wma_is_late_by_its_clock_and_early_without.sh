#!/usr/bin/env bash
# FFmpeg 8.1 (av 18.1.0): the sound of a WMA is where neither its frames nor its clock say.
#
# Two ways are usual to tell when a decoded sample sounds: count the samples, or add the time of the first frame. In MP3,
# Ogg, MP4 and Matroska both are right, or late by the encoder's priming in the worst case. A WMA that FFmpeg has written
# is early by the one way and late by the other, by 43 ms each at 48 kHz: the decoder keeps the first packet for the
# overlap and gives no frame for it, so two frames of 2,048 samples are missing from the count, of which one is priming;
# and the first frame that comes has the time of the third. Half of the first frame's time, added to the count, is right.
#
# Seen, Python 3.11, x86-64, a click in the middle of two seconds of silence:
#   aac 48000 in mp4: counted 1.000 s, by the clock 1.000 s, first frame at 0.000 s
#   wmav1 48000 in asf: counted 0.957 s, by the clock 1.043 s, first frame at 0.086 s
#   wmav2 44100 in asf: counted 0.954 s, by the clock 1.046 s, first frame at 0.092 s
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat > "$folder/click.py" <<'PY'
import sys

import av
import numpy as np

CLICK = 1.0  # seconds


def write(path, container, codec, rate):
    sound = np.zeros((1, 2 * rate), np.float32)
    wave = np.sin(2 * np.pi * 1_000 * np.arange(rate // 200) / rate) * np.hanning(rate // 200)
    middle = round(CLICK * rate)
    sound[0, middle - len(wave) // 2 : middle - len(wave) // 2 + len(wave)] = 0.9 * wave
    with av.open(path, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 96_000
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        for part in av.AudioResampler(format=stream.format, layout="mono", rate=rate).resample(frame):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))


def middle_of_click(path):
    """Return where the click is when samples are counted, and the time of the first frame."""
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
        sound = np.concatenate([frame.to_ndarray()[0].astype(np.float64) for frame in frames]) ** 2
        sound[sound < sound.max() / 100] = 0
        at = (sound @ np.arange(len(sound))) / sound.sum() / frames[0].sample_rate
        return at, frames[0].time - container.start_time / 1_000_000


for container, codec in (("mp4", "aac"), ("matroska", "aac"), ("asf", "wmav1"), ("asf", "wmav2")):
    for rate in (48_000, 44_100):
        path = f"{sys.argv[1]}/click"
        write(path, container, codec, rate)
        counted, first = middle_of_click(path)
        print(f"{codec} {rate} in {container}: counted {counted:.3f} s, by the clock {counted + first:.3f} s, "
              f"first frame at {first:.3f} s")
        if container == "asf":
            frame = 2_048 / rate
            assert abs(counted - (CLICK - frame)) < 0.002
            assert abs(counted + first - (CLICK + frame)) < 0.002
        else:
            assert abs(counted - CLICK) < 0.002 and first < 0.002
PY
"$folder/venv/bin/python" "$folder/click.py" "$folder"
