"""The parts of the words bench that need no model: sets from an index, made sounds, scores, rows, targets, tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.words import figures, score, stock, tables
from bench.words.forms import sizes_of
from bench.words.runs import Heard, Job, Kept, Key, Outcome, read
from bench.words.score import Errors, compare, metric, total
from bench.words.sets import ADDRESS, SPEECH_SECONDS, Recording, Set, chosen, indexed, picked, spoken, starts
from bench.words.start import nearest
from bench.words.systems import MODES
from tests.sounds import SPEECH

HEAD = "file\tlanguage\tduration_s\tsample_rate\tchannels\ttranscript\tlicence\tsource\tnote\n"


def clip(
    name: str, seconds: float = 5.0, language: str | None = "en", said: str | None = "one two three four"
) -> Recording:
    return Recording(name, Path(name), language, seconds, said)


@pytest.fixture
def plain_words(monkeypatch) -> None:
    """Words as they are: the normalisers belong to a package that a test run need not have."""
    monkeypatch.setattr(score, "normaliser", lambda language: lambda text: text.lower())


def index(folder: Path, *rows: str) -> Path:
    (folder / "INDEX.tsv").write_text(HEAD + "".join(f"{row}\tl\ts\tn\n" for row in rows), "utf-8")
    return folder


def test_recordings_without_words_or_length_are_left_out_and_one_named_twice_counts_once(tmp_path) -> None:
    folder = index(
        tmp_path,
        "en/a.flac\ten\t3.5\t16000\t1\tan  old",
        "en/a.flac\ten\t3.5\t16000\t1\tan  old",
        "en/b.flac\ten\t3.5\t16000\t1\tNONE",
        "en/c.flac\ten\tERR\t16000\t1\twords",
    )
    assert indexed(folder) == (Recording("en/a.flac", folder / "en/a.flac", "en", 3.5, "an old"),)


def test_the_address_has_the_words_that_stand_here_though_the_index_has_none(tmp_path) -> None:
    (found,) = indexed(index(tmp_path, "long/constme_columbia.wma\ten\t198.763\t44100\t2\tNONE"))
    assert found.said == " ".join(ADDRESS.split())
    assert str(found.said).startswith("My fellow Americans, this day")


def test_clips_are_sorted_into_sets_by_folder_language_and_length() -> None:
    clips = [
        clip("en/short"),
        clip("en/long", 41),
        clip("digits/one"),
        clip("tel/a"),
        clip("tel/b", language="es"),
        clip("ko/a", language="ko"),
        clip("long/verse", 200, "fr"),
        clip("long/too-long", 300, "fr"),
    ]
    found = {each.name: [one.name for one in each.clips] for each in spoken(clips, 40) if each.clips}
    assert found == {
        "en": ["en/short"],
        "en, longer": ["en/long"],
        "digits": ["digits/one"],
        "telephone, en": ["tel/a"],
        "telephone, es": ["tel/b"],
        "ko": ["ko/a"],
        "long": ["long/verse"],
    }


def test_fewer_clips_are_spread_over_all() -> None:
    clips = [clip(str(number)) for number in range(10)]
    assert [each.name for each in chosen(clips, 5)] == ["0", "2", "4", "6", "8"]
    assert chosen(clips, 10) == chosen(clips, 99) == tuple(clips)


def test_a_seed_speaks_two_minutes_in_ten_and_nobody_interrupts() -> None:
    clips = [clip(str(number), 3 + number % 7) for number in range(60)]
    talks = picked(clips, np.random.default_rng(0))
    assert SPEECH_SECONDS <= sum(each.seconds for each in talks) < SPEECH_SECONDS + 10
    assert talks == picked(clips, np.random.default_rng(0))
    begins = starts(talks, 600, np.random.default_rng(1))
    ends = [start + each.seconds for start, each in zip(begins, talks, strict=True)]
    assert all(end < start for end, start in zip(ends, begins[1:], strict=False))
    assert begins[0] >= 0
    assert ends[-1] < 600


def test_words_are_counted_in_most_languages_and_characters_where_words_have_no_bounds(plain_words) -> None:
    assert [metric(language) for language in ("en", "fr", "ko", "ja", "zh", None)] == ["WER", "WER"] + ["CER"] * 3 + [
        "WER"
    ]
    assert compare("a cat sat here", "a dog sat", "en") == Errors(4, 1, 1, 0)
    assert compare("가 나다", "가나 라마", "ko") == Errors(3, 1, 0, 1)


def test_errors_add_up_over_clips() -> None:
    both = total([Errors(4, 1, 0, 0), Errors(6, 0, 1, 2)])
    assert (both, both.wrong, both.rate) == (Errors(10, 1, 1, 2), 4, 40.0)


def test_a_clip_without_words_is_no_reference(plain_words) -> None:
    with pytest.raises(ValueError, match="nothing to compare with"):
        compare(" ", "words", "en")


def outcome(system: str, texts: dict[str, str], seconds: float = 1.0, peak: float = 400.0, run: int = 0) -> Outcome:
    heard = {name: Heard(text, seconds, 1, 30.0) for name, text in texts.items()}
    return Outcome(Key("base", "en", system, run), heard, peak)


def kept(*outcomes: Outcome) -> dict[Key, Outcome]:
    return {each.key: each for each in outcomes}


FOUND = Set("en", (clip("a"), clip("b")))
RIGHT = "one two three four"


def test_a_set_s_rows_have_everybody_beside_ours_and_the_issue_s_targets(plain_words) -> None:
    outcomes = kept(
        outcome("ours", {"a": RIGHT, "b": "one two three"}, 1.0, 300),
        outcome("ours, no gate", {"a": "", "b": RIGHT}),
        outcome("faster-whisper", {"a": RIGHT, "b": "one"}, 2.5, 350),
    )
    rows = {each.metric: each for each in figures.rows("base", FOUND, outcomes)}
    assert rows["WER"].case == "base, en, 2 clips, 10 s"
    assert (rows["WER"].ours, rows["WER"].peers) == (12.5, {"ours, no gate": 50.0, "faster-whisper": 37.5})
    assert rows["WER"].target == "at most 37.5"
    assert (rows["time"].ours, rows["time"].ratio["faster-whisper"]) == (2.0, 2.5)
    assert rows["time"].target == "2x faster-whisper"
    assert rows["real-time factor"].ours == 0.2
    assert (rows["encoder windows"].ours, rows["encoded"].ours) == (2, 60)
    assert (rows["peak memory"].ours, rows["peak memory"].target) == (300, "at most 350")


def test_who_heard_fewer_clips_is_compared_on_those(plain_words) -> None:
    outcomes = kept(
        outcome("ours", {"a": RIGHT, "b": "one two"}),
        outcome("faster-whisper", {"a": "one", "b": RIGHT}),
        outcome("whisper.cpp", {"a": "one two three"}),
    )
    parts = {each.metric: each for each in figures.rows("base", FOUND, outcomes) if "of its clips" in each.case}
    assert parts["WER"].case == "base, en, 1 of its clips, 5 s"
    assert (parts["WER"].ours, parts["WER"].peers) == (0.0, {"faster-whisper": 75.0, "whisper.cpp": 25.0})
    assert {each.target for each in parts.values()} == {""}


def test_a_set_that_ours_has_not_heard_has_no_rows(plain_words) -> None:
    assert not [*figures.rows("base", FOUND, kept(outcome("faster-whisper", {"a": "", "b": ""})))]


def test_where_nobody_speaks_words_are_counted_by_the_minute_and_phantoms_by_the_sound() -> None:
    silent = Set("en", (clip("a", 30, None, None), clip("b", 30, None, None)), speech=False)
    outcomes = kept(
        outcome("ours", {"a": "Thank you.", "b": ""}),
        outcome("faster-whisper", {"a": "", "b": "you"}),
    )
    rows = {each.metric: each for each in figures.rows("base", silent, outcomes)}
    assert (rows["words per minute"].ours, rows["words per minute"].target) == (2.0, "at most 1")
    phantoms = rows["phantoms where faster-whisper has none"]
    assert (phantoms.ours, phantoms.target) == (1, "0")


@pytest.mark.parametrize(
    ("name", "target"),
    [("ko", "at most 2"), ("en", "at most 1"), ("long", "at most 1"), ("address", "at most 3")],
)
def test_errors_are_judged_by_the_best_of_faster_whisper_and_by_our_own_whole_reading(name: str, target: str) -> None:
    rates = {"ours": 9.0, "ours, no gate": 1.0, **dict(zip(MODES, (4.0, 3.0, 2.0), strict=True))}
    assert figures.errors_target(name, rates) == target


def test_only_base_is_held_to_targets(plain_words) -> None:
    heard = outcome("ours", {"a": RIGHT, "b": RIGHT})
    heard = replace(heard, key=replace(heard.key, model="tiny.en"))
    assert {each.target for each in figures.rows("tiny.en", FOUND, kept(heard))} == {""}


def test_what_was_heard_is_kept_and_a_line_cut_off_is_left_out(tmp_path) -> None:
    path = tmp_path / "heard.jsonl"
    first = outcome("ours", {"a": RIGHT, "b": ""})
    Kept(path, resume=False).add(first)
    path.write_text(path.read_text("utf-8") + '{"key": {"mod', "utf-8")
    assert [*read(path)] == [first]
    job = Job(first.key, FOUND.clips, Path("model"))
    assert Kept(path, resume=True).get(job) == first
    assert Kept(path, resume=True).get(replace(job, clips=FOUND.clips[:1])) is None
    assert Kept(path, resume=False).get(job) is None


def test_slow_peers_hear_few_clips_once_and_no_silence(tmp_path) -> None:
    plan = stock.Plan({"base": str(tmp_path)}, ("ours", "faster-whisper2"), slow_clips=1, runs=2)
    (tmp_path / "base" / "int8").mkdir(parents=True)  # ours, rounded
    jobs = [*stock.jobs_of("base", FOUND, tmp_path, plan)]
    assert [(job.key.system, job.key.run, len(job.clips)) for job in jobs] == [
        ("ours", 0, 2),
        ("faster-whisper2", 0, 1),
        ("ours", 1, 2),
    ]
    assert [job.model for job in jobs] == [tmp_path / "base" / "int8", tmp_path, tmp_path / "base" / "int8"]
    assert not stock.hears("openai-whisper", replace(FOUND, speech=False))
    assert stock.hears("faster-whisper", replace(FOUND, speech=False))


def test_a_model_of_english_hears_english_alone_told_so_and_half_of_it() -> None:
    plan = stock.Plan({}, ())
    assert stock.of_model("base", FOUND, plan) == FOUND
    (only,) = stock.of_model("tiny.en", Set("x", (clip("a", language=None), clip("b"))), plan).clips
    assert only.language == "en"
    assert not stock.english(Set("ko", ()))
    assert stock.english(Set("telephone, en", ()))


def test_sets_are_asked_for_by_name_or_by_what_their_name_starts_with() -> None:
    plan = stock.Plan({}, (), sets=("telephone", "ko"))
    named = {name: stock.wanted(Set(name, (clip("a"),)), plan) for name in ("telephone, es", "ko", "en")}
    assert named == {"telephone, es": True, "ko": True, "en": False}


def test_the_first_words_are_those_of_the_clip_nearest_to_five_seconds() -> None:
    assert nearest([clip("en/a", 4), clip("en/b", 5.2), clip("ko/c", 5)]).name == "en/b"


def test_the_numbers_of_a_network_are_told_by_the_shapes_of_its_weights() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "decoder/embeddings/weight": (51_865, 512),
        "encoder/conv1/weight": (512, 80, 3),
        "encoder/position_encodings/encodings": (1500, 512),
        "decoder/position_encodings/encodings": (448, 512),
        "encoder/layer_norm/gamma": (512,),
        "decoder/layer_norm/gamma": (512,),
    }
    for part in ("encoder", "decoder"):
        shapes |= {f"{part}/layer_{index}/ffn/linear_0/weight": (2048, 512) for index in range(6)}
    sizes = sizes_of(shapes)
    assert (sizes["encoder_layers"], sizes["decoder_attention_heads"], sizes["encoder_ffn_dim"]) == (6, 8, 2048)
    assert (sizes["num_mel_bins"], sizes["vocab_size"], sizes["max_target_positions"]) == (80, 51_865, 448)


def test_tables_show_ours_beside_each_way_of_faster_whisper(plain_words) -> None:
    outcomes = kept(
        outcome("ours", {"a": RIGHT, "b": RIGHT}), outcome("faster-whisper", {"a": RIGHT, "b": "one two"}, 2.0)
    )
    rows = [*figures.rows("base", FOUND, outcomes)]
    machine = {"cores": 2, "cpu": "a processor", "versions": {"faster-whisper": "1.2.1"}}
    result = json.loads(json.dumps({"date": "2026-01-01T", "machine": machine, "rows": [vars_of(row) for row in rows]}))
    assert "| en, 2 clips, 10 s, WER | 0.0 % | 25.0 % |  |  | 2.00x |" in tables.brief(result)
    assert "| base, en, 2 clips, 10 s | faster-whisper | 25.0 % |  | 4.0 | 0.400 | 2 | 60 | 400 |" in tables.full(
        result
    )
    assert "| base, en, 2 clips, 10 s, time | 2 s | faster-whisper 4 s | 2.00x | 2x faster-whisper |" in (
        tables.targets(result)
    )


def vars_of(row: figures.Row) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(row)


@pytest.mark.skipif(not (SPEECH / "INDEX.tsv").is_file(), reason="needs the recordings in ../shared/speech")
def test_every_recording_with_words_is_in_a_set() -> None:
    clips = indexed(SPEECH)
    sets = [each for each in spoken(clips, 10_000) if each.clips]
    heard = {one.name for each in sets for one in each.clips}
    missing = {each.name for each in clips} - heard
    assert all(name.startswith("long/") for name in missing)
    assert {"en", "digits", "telephone, en", "telephone, es", "ko", "ja", "de", "es", "fr", "long"} <= {
        each.name for each in sets
    }


def test_the_brief_table_ends_with_the_first_words_of_a_new_process() -> None:
    case = "base, first words of a clip of 5.0 s, new process"
    rows = [
        {"case": case, "metric": metric, "ours": ours, "peers": {"faster-whisper": theirs}}
        for metric, ours, theirs in (("time", 0.5, 1.25), ("peak memory", 237.0, 334.0))
    ]
    machine = {"cores": 2, "cpu": "some", "versions": {"faster-whisper": "1.2.1"}}
    told = tables.brief({"rows": rows, "date": "2026-11-30", "machine": machine})
    assert "new process, time and peak memory | 0.50 s, 237 MB | 1.25 s, 334 MB |  |  | 2.50x |" in told
