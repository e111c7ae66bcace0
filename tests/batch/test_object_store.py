"""Recordings and results in an S3 store: the real client against a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import malsori
from malsori.batch.fsspec_places import UrlResults, files_at, open_url, remote_rows
from malsori.errors import AudioNotFound
from tests.shipped import ROOT

pytest.importorskip("s3fs", reason="needs pip install s3fs 'moto[server]'")
server = pytest.importorskip("moto.server", reason="needs pip install s3fs 'moto[server]'")
# aiobotocore and werkzeug leave their sockets to the garbage collector.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import fsspec

    store = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    store.start()
    host, port = store.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").mkdir("talks")
    yield "s3://talks"
    store.stop()


def test_a_recording_is_read_from_s3_and_its_results_are_written_there(bucket: str) -> None:
    import fsspec

    fsspec.filesystem("s3").pipe_file("talks/in/a.wav", (ROOT / "samples/english.wav").read_bytes())
    (row,) = remote_rows(f"{bucket}/in")
    text = malsori.load("nano-whisper").transcribe(open_url(row.source)).text
    results = UrlResults(f"{bucket}/out")
    results.sweep()
    results.write("a", {"txt": text.encode()})
    results.copy("a", "x/b", ["txt"])
    assert results.there("x/b", ["txt"])
    assert [file.below for file in files_at(f"{bucket}/out")] == ["a.txt", "x/b.txt"]
    with open_url(f"{bucket}/out/x/b.txt") as file:
        assert file.read().decode() == text != ""
    with pytest.raises(AudioNotFound, match=r"s3://talks/none\.wav: expected a readable file, found none"):
        open_url(f"{bucket}/none.wav")
