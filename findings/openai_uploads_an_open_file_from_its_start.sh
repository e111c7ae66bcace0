#!/usr/bin/env bash
# openai 3.57.0: an open file is uploaded from its first byte, wherever it stands.
#
# audio.transcriptions.create(file=...) takes an open binary file, and so does `requests`, which sends what is left to
# read. The official client (its httpx2 2.16.2) goes back to the first byte before it sends. So who opens a file that
# holds several recordings, or one behind a header of its own, seeks to the one that is wanted and hands the file over,
# gets a text of another recording without an error: a reader of WAV stops where the first one ends. Only bytes are sent
# as they are: file=("name.wav", file.read()).
#
# Seen, Python 3.11, a file with a recording of 1 s and one of 3 s behind it, and the file stands before the second:
#   requests: 96,044 bytes, a reader of WAV hears 3.0 s
#   openai: 128,088 bytes, a reader of WAV hears 1.0 s
#   openai, file.read(): 96,044 bytes, a reader of WAV hears 3.0 s
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check openai==3.57.0 httpx2==2.16.2 requests==2.34.2
cat > "$folder/upload.py" <<'PY'
import io
import sys
import threading
import wave
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai
import requests

received = []


class Service(BaseHTTPRequestHandler):
    """Keeps the part "file" of each upload, and gives a text."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        for part in BytesParser().parsebytes(head + body).get_payload():
            if part.get_param("name", header="Content-Disposition") == "file":
                received.append(part.get_payload(decode=True))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"text": ""}')

    def log_message(self, *_):
        pass


def recording(seconds):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", None))
        sound.writeframes(bytes(32_000 * seconds))
    return file.getvalue()


def opened(path):
    """Open the file and go to its second recording."""
    file = open(path, "rb")
    file.seek(len(recording(1)))
    return file


path = f"{sys.argv[1]}/meetings.bin"
with open(path, "wb") as both:
    both.write(recording(1) + recording(3))
server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"
client = openai.OpenAI(api_key="none", base_url=base, max_retries=0)
uploads = {
    "requests": lambda file: requests.post(f"{base}/audio/transcriptions", files={"file": file}, timeout=10),
    "openai": lambda file: client.audio.transcriptions.create(model="whisper-1", file=file),
    "openai, file.read()": lambda file: client.audio.transcriptions.create(
        model="whisper-1", file=("meeting.wav", file.read())
    ),
}
found = {}
for name, upload in uploads.items():
    with opened(path) as file:
        upload(file)
    with wave.open(io.BytesIO(received[-1])) as sound:
        found[name] = sound.getnframes() / sound.getframerate()
    print(f"{name}: {len(received[-1]):,} bytes, a reader of WAV hears {found[name]:.1f} s")
assert list(found.values()) == [3.0, 1.0, 3.0]
PY
"$folder/venv/bin/python" "$folder/upload.py" "$folder"
