#!/usr/bin/env bash
# FFmpeg 8.1 (av 18.1.0) and libsndfile 1.2.2: of a FLAC stream that changes its bit depth, each plays a part.
#
# Every frame of FLAC carries its own rate, channels and bits per sample, so a stream may change them on its way
# (RFC 9639, section 9.1), as recorders do that are switched from 16 to 24 bits, or as two files joined with `cat` do.
# FFmpeg's decoder follows a change of the rate or of the channels, and refuses every frame behind a change of the depth:
# the packets that it refuses are the only sign, and `ffmpeg -i` ends with exit code 0. libsndfile ends, with no error,
# where the first header's count of samples ends, whatever follows. So none of the two gives all of it; who wants it
# whole cuts the bytes where the second stream begins and decodes each part by itself.
#
# Seen, Python 3.11, x86-64, two seconds of sound and two more behind them:
#   another rate: av 4.0 s, 0 packets refused; soundfile 2.0 s
#   other channels: av 4.0 s, 0 packets refused; soundfile 2.0 s
#   another depth: av 2.0 s, 24 packets refused; soundfile 2.0 s
#   another depth, cut at the second header: av 4.0 s, 0 packets refused
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check av==18.1.0 soundfile==0.14.0 numpy==2.4.6
cat > "$folder/count.py" <<'PY'
import io

import av
import numpy as np
import soundfile

av.logging.set_level(None)  # FFmpeg would say "switching bps mid-stream is not supported" for each frame


def flac(rate=48_000, channels=1, depth="PCM_16"):
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone] * channels, axis=1), rate, format="FLAC", subtype=depth)
    return file.getvalue()


def by_av(data):
    """Return the seconds that decode, packet by packet, and how many packets do not."""
    seconds, refused = 0.0, 0
    with av.open(io.BytesIO(data), format="flac") as container:
        for packet in container.demux(audio=0):
            try:
                seconds += sum(frame.samples / frame.sample_rate for frame in packet.decode())
            except av.error.FFmpegError:
                refused += 1
    return round(seconds, 1), refused


def by_soundfile(data):
    samples, rate = soundfile.read(io.BytesIO(data))
    return round(len(samples) / rate, 1)


first = flac()
seconds = {}
for name, second in {
    "another rate": flac(rate=24_000),
    "other channels": flac(channels=2),
    "another depth": flac(depth="PCM_24"),
}.items():
    seconds[name] = by_av(first + second)
    other = by_soundfile(first + second)
    print(f"{name}: av {seconds[name][0]} s, {seconds[name][1]} packets refused; soundfile {other} s")
    assert other == 2.0
parts = [by_av(part) for part in (first, flac(depth="PCM_24"))]
whole, refused = (sum(figures) for figures in zip(*parts))
print(f"another depth, cut at the second header: av {whole} s, {refused} packets refused")
assert (whole, refused) == (4.0, 0)
assert seconds["another rate"] == seconds["other channels"] == (4.0, 0)
assert seconds["another depth"][0] == 2.0 and seconds["another depth"][1] > 0
PY
"$folder/venv/bin/python" "$folder/count.py"
