#!/usr/bin/env bash
# wyoming-bench 2026.10.0: with a pace, its total time and RTF tell how it sends, not how fast the server is.
#
# "--chunk-delay 0.1" is its own example for streaming. It waits that long after each chunk of 1,024 samples, whatever
# the rate: 64 ms of sound at 16 kHz, 21 ms at 48 kHz, so speech comes at 64 % and at 21 % of its pace. It sends 0.5 s
# of silence behind each recording as well. The time runs from the first byte, and RTF divides all of that by the length
# of the recording alone ("< 1 means faster than real time"). A server that answers in no time gets an RTF of 2.4 for a
# second of speech, and 7.2 for the same second at 48 kHz; short commands get worse numbers than long ones. What a live
# user waits for, the time from the end of the sound to the text, is in none of the columns. A pace that is real time
# (chunk size / rate) and "--trailing-silence 0" leave the time of the server above an RTF of 1.
#
# Seen, Python 3.11, one second of sound, a server that answers at once:
#   16000 Hz, --chunk-delay 0.1: the server hears 1.5 s; RTF 2.4
#   48000 Hz, --chunk-delay 0.1: the server hears 1.5 s; RTF 7.2
#   16000 Hz, --chunk-delay 0.064: the server hears 1.5 s; RTF 1.6
#   16000 Hz, --chunk-delay 0.064 --trailing-silence 0: the server hears 1.0 s; RTF 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check wyoming-bench==2026.10.0 wyoming==1.10.2
cat > "$folder/measure.py" <<'PY'
import asyncio
import re
import socket
import sys
import wave
from pathlib import Path

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStop
from wyoming.server import AsyncEventHandler, AsyncTcpServer

folder = Path(sys.argv[1])
heard = []


class AtOnce(AsyncEventHandler):
    """Knows the text at the first chunk, and says it as soon as the sound ends."""

    seconds = 0.0

    async def handle_event(self, event):
        try:
            if AudioChunk.is_type(event.type):
                if not self.seconds:
                    await self.say(TranscriptStart(), TranscriptChunk("yes"))
                self.seconds += AudioChunk.from_event(event).seconds
            elif AudioStop.is_type(event.type):
                heard.append(self.seconds)
                await self.say(Transcript("yes"), TranscriptStop())
        except ConnectionError:  # the tool tries first whether the server streams, and leaves early
            return False
        return True

    async def say(self, *events):
        for event in events:
            await self.write_event(event.event())


def recording(rate):
    """Make a corpus of one recording of a second; return its folder."""
    corpus = folder / str(rate)
    corpus.mkdir(exist_ok=True)
    with wave.open(str(corpus / "yes.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", None))
        file.writeframes(bytes(2 * rate))
    (corpus / "yes.txt").write_text("yes")
    return str(corpus)


async def measured(port, rate, options):
    """Return the seconds that the server heard, and the tool's mean RTF."""
    tool = await asyncio.create_subprocess_exec(
        f"{folder}/venv/bin/wyoming-bench", "stt", f"127.0.0.1:{port}", "--corpus", recording(rate),
        "--mode", "streaming", "--rounds", "2", "--warmup", "0", *options.split(), stdout=asyncio.subprocess.PIPE,
    )
    output = (await tool.communicate())[0].decode()
    return heard[-1], float(re.search(r"RTF \(x\) +\S+ +(\S+)", output)[1])


async def main():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    server = AsyncTcpServer("127.0.0.1", port)
    await server.start(AtOnce)
    cases = (
        (16_000, "--chunk-delay 0.1", 1.5, 2.3),
        (48_000, "--chunk-delay 0.1", 1.5, 6.9),
        (16_000, "--chunk-delay 0.064", 1.5, 1.5),
        (16_000, "--chunk-delay 0.064 --trailing-silence 0", 1.0, 1.0),
    )
    for rate, options, expected, least in cases:
        seconds, factor = await measured(port, rate, options)
        print(f"{rate} Hz, {options}: the server hears {seconds:.1f} s; RTF {factor:.1f}")
        assert round(seconds, 1) == expected and least <= factor < 1.5 * least
    await server.stop()


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/measure.py" "$folder"
