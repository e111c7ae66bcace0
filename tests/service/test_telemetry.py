"""What the service counts, as Prometheus's own parser reads it."""

from __future__ import annotations

import contextlib

import pytest
from prometheus_client.parser import text_string_to_metric_families

from malsori.service.telemetry import MOST_VALUES, Metrics
from tests.shipped import ROOT

SET = {
    "malsori_requests",
    "malsori_request_seconds",
    "malsori_queue_depth",
    "malsori_queue_wait_seconds",
    "malsori_audio_seconds",
    "malsori_rtf",
    "malsori_first_partial_seconds",
    "malsori_final_latency_seconds",
    "malsori_dropped_audio_seconds",
    "malsori_sessions_active",
    "malsori_sessions_rejected",
    "malsori_vad_speech_ratio",
    "malsori_model_load_seconds",
    "malsori_models_loaded",
    "malsori_rss_bytes",
}


def read(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """All samples, by name and the values of their labels, which the text has in the order of their names."""
    return {
        (sample.name.removeprefix("malsori_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.exposition()[0].decode())
        for sample in family.samples
    }


def test_the_whole_set_is_there_before_anything_happened() -> None:
    text, content_type = Metrics().exposition()
    assert {family.name for family in text_string_to_metric_families(text.decode())} >= SET
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"_created" not in text
    assert all(line.startswith((b"#", b"malsori_")) for line in text.splitlines())


def test_the_page_on_operations_explains_each_of_them() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    families = text_string_to_metric_families(Metrics().exposition()[0].decode())
    names = {family.name for family in families if not family.name.startswith("malsori_process_")}
    assert sorted(name for name in names if name not in page) == []


def test_two_services_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.request("/v1/models", 200, 0.1)
    assert ("requests_total", ("200", "/v1/models")) in read(first)
    assert ("requests_total", ("200", "/v1/models")) not in read(second)


def test_a_request_is_counted_by_route_and_code_and_timed_where_it_is_ours_to_answer() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.request("/v1/audio/transcriptions", 200, 0.3)
    metrics.request("/healthz", 200, 0.001)
    metrics.request("/v1/listen", 101)
    found = read(metrics)
    assert found["requests_total", ("200", "/v1/audio/transcriptions")] == 2
    assert found["requests_total", ("200", "/healthz")] == 1
    assert found["requests_total", ("101", "/v1/listen")] == 1
    assert found["request_seconds_sum", ("/v1/audio/transcriptions",)] == pytest.approx(0.6)
    assert {labels[0] for name, labels in found if name == "request_seconds_count"} == {"/v1/audio/transcriptions"}


def test_no_client_makes_series_without_end() -> None:
    metrics = Metrics()
    for each in range(500):
        metrics.request(f"/v1/{each}", 100 + each, 0.1)
        metrics.rejected(f"reason {each}")
        metrics.dropped(f"cause {each}", 1)
    found = read(metrics)
    assert found["requests_total", ("other", "other")] == 500 - MOST_VALUES
    assert found["sessions_rejected_total", ("other",)] == 500 - MOST_VALUES
    assert found["dropped_audio_seconds_total", ("other",)] == 500 - MOST_VALUES
    assert len([name for name, _ in found if name == "requests_total"]) == MOST_VALUES + 1


def test_the_real_time_factor_is_work_over_sound_and_nothing_of_no_sound() -> None:
    metrics = Metrics()
    metrics.transcribed(audio_s=4, work_s=1)
    metrics.transcribed(audio_s=0, work_s=1)
    found = read(metrics)
    assert (found["rtf_count", ()], found["rtf_sum", ()]) == (1, 0.25)
    assert found["audio_seconds_total", ()] == 4


def test_the_part_that_is_speech_is_of_all_sound_of_which_it_is_known() -> None:
    metrics = Metrics()
    assert read(metrics)["vad_speech_ratio", ()] == 0
    metrics.heard(6, speech_s=1)
    metrics.speech(2, 1)
    metrics.heard(100)
    found = read(metrics)
    assert found["vad_speech_ratio", ()] == 0.25
    assert found["audio_seconds_total", ()] == 106


def test_a_session_counts_as_open_as_long_as_it_lasts_also_when_it_fails() -> None:
    metrics = Metrics()
    with contextlib.suppress(OSError), metrics.session(), metrics.session():
        assert read(metrics)["sessions_active", ()] == 2
        raise OSError("reset")
    assert read(metrics)["sessions_active", ()] == 0


def test_latencies_fall_into_buckets_around_what_they_should_be() -> None:
    metrics = Metrics()
    metrics.final(0.62)
    metrics.first_partial(0.35)
    metrics.waited(0.02)
    metrics.loaded(3)
    found = read(metrics)
    assert (found["final_latency_seconds_bucket", ("0.6",)], found["final_latency_seconds_bucket", ("0.7",)]) == (0, 1)
    assert found["first_partial_seconds_count", ()] == 1
    assert found["queue_wait_seconds_sum", ()] == 0.02
    assert found["model_load_seconds_sum", ()] == 3


def test_what_can_be_asked_is_asked_only_when_somebody_reads() -> None:
    metrics, asked = Metrics(), []

    def depth() -> float:
        asked.append("depth")
        return 7

    metrics.watch(queue_depth=depth, models_loaded=lambda: 2)
    assert asked == []
    found = read(metrics)
    assert (found["queue_depth", ()], found["models_loaded", ()]) == (7, 2)
    assert asked == ["depth"]
    assert found["rss_bytes", ()] > 1e6
