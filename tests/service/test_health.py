"""What is told of the service itself: figures of Prometheus, and a line of the log for each request."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.running import RunningServer, start_server
from tests.service.test_listen_route import END, pcm, run
from tests.shipped import ROOT


@pytest.fixture(scope="module")
def used() -> Iterator[RunningServer]:
    """Give a service that has heard one upload and one live session."""
    from openai import OpenAI

    sound, rate = pcm()
    with start_server() as server:
        client = OpenAI(base_url=server.url + "/v1", api_key="none")
        client.audio.transcriptions.create(model="whisper-1", file=ROOT / "samples" / "korean.wav")
        run(
            server.ws,
            {"sample_rate": rate},
            [*(sound[start : start + 3_200] for start in range(0, len(sound), 3_200)), END],
        )
        run(server.ws, {"sample_rate": rate}, [sound, END])
        yield server


@pytest.fixture(scope="module")
def figures(used: RunningServer) -> dict[str, float]:
    with urllib.request.urlopen(used.url + "/metrics", timeout=5) as response:
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = response.read().decode()
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def test_uploads_and_sessions_are_counted_and_timed(figures: dict[str, float]) -> None:
    assert figures["malsori_requests_total/v1/audio/transcriptions200"] == 1
    assert figures["malsori_requests_total/v1/listen101"] == 2
    assert figures["malsori_audio_seconds_total"] == pytest.approx(3 * 4.427, abs=0.1)
    assert figures["malsori_queue_wait_seconds_count"] >= 3
    assert figures["malsori_final_latency_seconds_count"] >= 1
    assert figures["malsori_models_loaded"] == 1
    assert figures["malsori_sessions_active"] == 0
    assert 0.5 < figures["malsori_vad_speech_ratio"] <= 1
    assert figures["malsori_rss_bytes"] > 10**7


def test_a_request_has_a_line_with_its_model_and_its_sound(used: RunningServer) -> None:
    lines = [each for each in used.log if each["event"] == "request"]
    upload = next(each for each in lines if each["route"] == "/v1/audio/transcriptions")
    assert (upload["status"], upload["model"], upload["audio_seconds"]) == (200, "nano-ctc-ko", 4.427)
    session = [each for each in lines if each["route"] == "/v1/listen"][-1]
    assert (session["model"], session["audio_seconds"]) == ("nano-ctc-ko", 4.427)


def test_neither_text_nor_names_of_files_are_logged(used: RunningServer) -> None:
    assert not [line for line in used.lines if "침실" in line or "korean" in line or "\\uce68" in line]
