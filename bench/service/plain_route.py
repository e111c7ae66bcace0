"""A peer: a library behind the plainest route that FastAPI has, as many people run one.

    MODEL=FOLDER LIBRARY=faster-whisper uvicorn --app-dir bench/service plain_route:app    # or LIBRARY=crispasr

It runs with another Python, which has that library, fastapi and python-multipart, and imports nothing of the project.
"""

import io
import os
import threading
import wave

import numpy as np
from fastapi import FastAPI, Form, UploadFile

app = FastAPI()
model, threads = os.environ["MODEL"], int(os.environ.get("THREADS", "2"))
if os.environ["LIBRARY"] == "crispasr":
    import crispasr

    opened, one_at_a_time = crispasr.CrispASR(model), threading.Lock()

    def hear(sound: bytes, language: str) -> str:
        """Hear 16-bit WAV by a beam, one request after another: a session is not to be shared."""
        with wave.open(io.BytesIO(sound)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32_768
        with one_at_a_time:
            parts = opened.transcribe_pcm(samples, language=language, strategy=1, decode_options={"n_threads": threads})
        return " ".join(part.text for part in parts)

else:
    from faster_whisper import WhisperModel

    whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=threads)

    def hear(sound: bytes, language: str) -> str:
        """Hear a file of any kind by a beam of 5, the library's own."""
        segments, _ = whisper.transcribe(io.BytesIO(sound), language=language)
        return " ".join(segment.text.strip() for segment in segments)


@app.get("/readyz")
def ready() -> dict[str, str]:
    """Answer once the model is loaded."""
    return {"status": "ok"}


@app.post("/v1/audio/transcriptions")
def transcribe(file: UploadFile, language: str = Form("en")) -> dict[str, str]:
    """Return the text of a file; FastAPI runs this on a thread of its own."""
    return {"text": hear(file.file.read(), language)}
