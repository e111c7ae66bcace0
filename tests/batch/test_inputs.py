"""INPUT arguments to rows: what is taken of folders, patterns and lists, each once, and what is told otherwise."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from malsori.batch.inputs import InputRow, read_inputs
from malsori.errors import AudioNotFound, OptionError


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of files with sound files' endings, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.wav", "a.mp3", "notes.txt", ".hidden.wav", "sub/c.WAV", "sub/deep/d.ogg", ".trash/e.wav"):
        (tmp_path / "talks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "talks" / name).write_bytes(b"x" * 7)
    return tmp_path / "talks"


def found(*inputs: str, **more: Any) -> list[tuple[str, str]]:
    rows = list(read_inputs(inputs, **more))
    assert [row.trouble for row in rows] == [None] * len(rows)
    return [(row.source, row.below) for row in rows]


@pytest.mark.usefixtures("talks")
class TestFolders:
    def test_a_folder_has_all_sound_files_below_it_without_hidden_ones(self) -> None:
        names = ["a.mp3", "b.wav", "sub/c.WAV", "sub/deep/d.ogg"]
        assert found("talks") == [(f"talks/{name}", name) for name in names]

    def test_a_row_knows_the_size_of_its_file(self) -> None:
        assert {row.size for row in read_inputs(["talks"])} == {7}

    def test_rows_come_as_they_are_asked_for(self, talks: Path) -> None:
        rows = read_inputs(["talks"])
        assert next(rows).source == "talks/a.mp3"
        (talks / "sub" / "c.WAV").unlink()
        (talks / "sub" / "new.wav").touch()
        assert [row.source for row in rows] == ["talks/b.wav", "talks/sub/new.wav", "talks/sub/deep/d.ogg"]

    def test_a_file_that_two_inputs_have_counts_once(self, talks: Path) -> None:
        (talks / "again.wav").symlink_to("b.wav")
        assert [below for _, below in found("talks/b.wav", "talks", str(talks), "talks/*.wav")] == [
            "b.wav",
            "a.mp3",
            "sub/c.WAV",
            "sub/deep/d.ogg",
        ]

    def test_a_link_to_a_folder_is_not_followed_and_told(self, talks: Path) -> None:
        (talks / "loop").symlink_to(talks)
        told: list[str] = []
        assert len(found("talks", note=told.append)) == 4
        (line,) = told
        assert line.startswith("talks/loop: is a link to a folder, which is not followed")

    def test_a_link_that_is_given_is_a_folder(self, talks: Path) -> None:
        (talks.parent / "linked").symlink_to(talks)
        assert found("linked")[0] == ("linked/a.mp3", "a.mp3")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
    def test_a_folder_that_cannot_be_read_is_a_row_with_trouble(self, talks: Path) -> None:
        (talks / "sub").chmod(0)
        rows = list(read_inputs(["talks"]))
        (talks / "sub").chmod(0o755)
        assert [type(row.trouble) for row in rows] == [type(None), type(None), AudioNotFound]

    @pytest.mark.parametrize("given", ["talks/x.wav", "takls"])
    def test_an_input_that_is_not_there_is_an_error_before_any_work(self, given: str) -> None:
        with pytest.raises(AudioNotFound, match=f"^{given}: expected a readable file, found no such file$"):
            list(read_inputs(["talks", given]))

    def test_a_link_that_leads_nowhere_is_a_row_with_trouble(self, talks: Path) -> None:
        (talks.parent / "lost.wav").symlink_to("gone.wav")
        assert [type(row.trouble) for row in read_inputs(["lost.wav"])] == [AudioNotFound]

    def test_a_pipe_is_a_row_with_trouble_and_is_never_opened(self, talks: Path) -> None:
        os.mkfifo(talks / "pipe.wav")
        troubles = [row.trouble for row in read_inputs(["talks"]) if row.trouble]
        assert [str(each) for each in troubles] == ["talks/pipe.wav: expected a regular file, found a FIFO"]

    def test_one_empty_folder_of_several_is_noted(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        told: list[str] = []
        assert len(found("empty", "talks", note=told.append)) == 4
        assert told == ["empty: has no sound files in it, nor in the folders in it"]

    def test_nothing_at_all_is_an_error_that_says_where_was_looked(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "list.csv").write_text("audio\n")
        with pytest.raises(OptionError, match=r"^no recordings: empty: has no .*, list.csv: names no recordings; exp"):
            list(read_inputs(["empty", "list.csv"]))


@pytest.mark.usefixtures("talks")
class TestPatterns:
    def test_a_pattern_takes_what_matches_below_its_plain_folders(self) -> None:
        assert found("talks/**/*.[wW]*") == [("talks/b.wav", "b.wav"), ("talks/sub/c.WAV", "sub/c.WAV")]
        assert found("*/*.mp3") == [("talks/a.mp3", "talks/a.mp3")]

    def test_only_sound_files_are_taken_where_the_pattern_names_no_ending(self) -> None:
        assert [below for _, below in found("talks/*")] == ["a.mp3", "b.wav", "sub/c.WAV", "sub/deep/d.ogg"]
        assert [below for _, below in found("talks/**")] == ["a.mp3", "b.wav", "sub/c.WAV", "sub/deep/d.ogg"]
        assert [below for _, below in found("talks/**/de*")] == ["sub/deep/d.ogg"]
        assert found("talks/*.txt") == [("talks/notes.txt", "notes.txt")]

    def test_hidden_names_match_only_a_part_that_begins_with_a_dot(self) -> None:
        assert found("talks/.*.wav") == [("talks/.hidden.wav", ".hidden.wav")]

    def test_a_file_of_that_name_goes_before(self, talks: Path) -> None:
        (talks / "[a].mp3").touch()
        assert found("talks/[a].mp3") == [("talks/[a].mp3", "[a].mp3")]

    def test_one_that_matches_nothing_is_an_error_that_names_it(self) -> None:
        with pytest.raises(OptionError, match=r"^talks/\*\.flac: matches nothing$"):
            list(read_inputs(["talks", "talks/*.flac"]))

    def test_circles_of_links_end(self, talks: Path) -> None:
        for name in ("one", "two", "three"):
            (talks / name).symlink_to(talks)
        assert len(found("talks/**/*.wav")) == 1


@pytest.mark.usefixtures("talks")
class TestStandardInput:
    def test_paths_are_a_line_each_and_keep_the_folders_that_lead_down(self, talks: Path) -> None:
        stdin = io.BytesIO(f"./talks/sub/c.WAV\r\n\n{talks}/a.mp3\ntalks/../talks/b.wav".encode())
        assert found("-", stdin=stdin) == [
            ("./talks/sub/c.WAV", "talks/sub/c.WAV"),
            (f"{talks}/a.mp3", "a.mp3"),
            ("talks/../talks/b.wav", "talks/b.wav"),
        ]

    def test_paths_with_line_feeds_are_parted_by_nul(self, talks: Path) -> None:
        (talks / "a\nb.wav").touch()
        assert found("-", null=True, stdin=io.BytesIO(b"talks/a\nb.wav\0talks/a.mp3\0"))[0][0] == "talks/a\nb.wav"

    @pytest.mark.parametrize(
        ("null", "paths", "told"), [(False, b"a\0b\0", "add -0"), (True, b"a\nb\n", "leave -0 out")]
    )
    def test_ends_of_the_other_kind_are_an_error_that_says_so(self, null: bool, paths: bytes, told: str) -> None:
        with pytest.raises(OptionError, match=told):
            found("-", null=null, stdin=io.BytesIO(paths))

    def test_a_name_that_is_not_utf_8_is_kept(self, talks: Path) -> None:
        Path(os.fsdecode(os.fsencode(talks) + b"/\xff.wav")).touch()
        assert found("-", stdin=io.BytesIO(b"talks/\xff.wav\n")) == [("talks/\udcff.wav", "talks/\udcff.wav")]

    def test_it_can_be_given_once(self) -> None:
        with pytest.raises(OptionError, match="can be read once"):
            list(read_inputs(["-", "-"], stdin=io.BytesIO(b"talks/a.mp3\n")))

    def test_what_has_no_ends_of_lines_is_refused(self) -> None:
        with pytest.raises(OptionError, match="found 1 MiB without an end of line"):
            list(read_inputs(["-"], stdin=io.BytesIO(b"x" * (2 << 20))))

    def test_no_paths_are_an_error(self) -> None:
        with pytest.raises(OptionError, match="standard input names no files"):
            list(read_inputs(["-"], stdin=io.BytesIO(b"\n")))


class TestUrls:
    def test_a_url_is_read_by_who_reads_urls(self) -> None:
        def remote(url: str) -> Iterator[InputRow]:
            yield InputRow(f"{url}/a.wav", "a.wav", size=3)

        assert found("s3://bucket/talks", remote=remote) == [("s3://bucket/talks/a.wav", "a.wav")]

    def test_without_one_it_is_an_error(self) -> None:
        with pytest.raises(OptionError, match="s3://bucket: URLs are not read here"):
            list(read_inputs(["s3://bucket"]))

    def test_a_url_of_this_machine_is_its_path(self, talks: Path) -> None:
        (talks / "a b.wav").touch()
        assert found(f"file://{talks}/a%20b.wav", f"file://{talks}/a b.wav") == [(f"{talks}/a b.wav", "a b.wav")]


def test_a_manifest_goes_before_the_folder_that_has_the_file_too(talks: Path) -> None:
    (talks / "list.csv").write_text("audio,language\nb.wav,ko\nb.wav,ko\n")
    rows = list(read_inputs(["talks", "talks/list.csv"]))
    assert [(row.below, row.options) for row in rows[:2]] == [("b.wav", {"language": "ko"}), ("a.mp3", {})]
    assert len(rows) == 4
