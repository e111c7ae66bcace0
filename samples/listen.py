"""Plays a WAV file of 16 bits to `malsori serve` as if it were spoken now, and prints what is heard.

pip install websockets
python samples/listen.py samples/korean.wav [ws://127.0.0.1:8000/v1/listen [KEY]]
"""

import asyncio
import json
import sys
import wave

import websockets


async def main(path: str, url: str = "ws://127.0.0.1:8000/v1/listen", key: str = "") -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with wave.open(path) as sound:
        rate, channels = sound.getframerate(), sound.getnchannels()
        async with websockets.connect(url, additional_headers=headers) as socket:
            await socket.send(json.dumps({"type": "config", "sample_rate": rate, "channels": channels}))
            printing = asyncio.create_task(show(socket))
            while block := sound.readframes(rate // 10):  # 0.1 s
                await socket.send(block)
                await asyncio.sleep(0.1)
            await socket.send(json.dumps({"type": "end"}))
            await printing


async def show(socket: websockets.ClientConnection) -> None:
    async for message in socket:
        event = json.loads(message)
        if event["type"] == "partial":
            print(event["text"], end="\r", file=sys.stderr)
        elif event["type"] == "final":
            print(event["text"])
        elif event["type"] in ("ready", "warning", "error"):
            print(event, file=sys.stderr)


if len(sys.argv) < 2:
    sys.exit(__doc__)
try:
    asyncio.run(main(*sys.argv[1:]))
except (OSError, wave.Error, websockets.WebSocketException) as error:
    sys.exit(str(error))
