"""Languages by their codes and by what people call them, in every place that takes one."""

from __future__ import annotations

import pytest

import malsori
from malsori.cli.main import main
from malsori.errors import OptionError
from malsori.languages import CODES, ENGLISH, LANGUAGES, SAME, alternatives_to, code_of, did_you_mean, knows
from malsori.pipeline import TranscribeOptions
from tests.shipped import ROOT, whisper_languages

SAMPLE = str(ROOT / "samples" / "english.wav")


def test_the_codes_are_those_that_whispers_vocabulary_has() -> None:
    assert set(LANGUAGES) == set(whisper_languages())
    assert len(set(ENGLISH.values())) == len(ENGLISH) == 100
    assert not set(CODES) & set(LANGUAGES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("french", "fr"),
        ("French", "fr"),
        (" KOREAN ", "ko"),
        ("Haitian Creole", "ht"),
        ("mandarin", "zh"),
        ("KO", "ko"),
        ("ko-KR", "ko"),
        ("pt_BR", "pt"),
        ("haitian-creole", "ht"),
        ("yue", "yue"),
        ("tlh", "tlh"),
        ("zh-TW", "zh"),
        ("zh-Hans", "zh"),
        ("zh-Hant-HK", "zh"),
        ("zh-yue", "yue"),
        ("cmn", "zh"),
        ("Chinese (Traditional)", "zh"),
        ("iw", "he"),
        ("he", "he"),
        ("nb", "no"),
        ("nb-NO", "no"),
        ("no", "no"),
        ("nn", "nn"),
        ("Norwegian Bokmål", "no"),
        ("kor", "ko"),
        ("JPN", "ja"),
        ("ger", "de"),
        ("deu", "de"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("jv", "jw"),
        ("fil-PH", "tl"),
        ("es-419", "es"),
        ("sr-Latn-RS", "sr"),
        ("de-DE-1996", "de"),
        ("de-u-co-phonebk", "de"),
        ("ko_KR.UTF-8", "ko"),
        ("de_DE@euro", "de"),
        ("old-english", "old-english"),
        ("klingon", "klingon"),
        ("auto", "auto"),
        ("", ""),
    ],
)
def test_a_name_is_read_in_any_case_and_a_code_stays(text: str, code: str) -> None:
    assert code_of(text) == code


def test_every_code_of_three_letters_stands_for_one_of_two() -> None:
    assert set(SAME.values()) >= set(LANGUAGES) - {"yue", "haw"}
    assert not set(SAME) & set(LANGUAGES)
    assert all(code_of(code_of(text)) == code_of(text) for text in (*SAME, *CODES, *LANGUAGES))


def test_a_language_that_a_model_does_not_know_is_told_in_a_short_line() -> None:
    told = alternatives_to("klingon", LANGUAGES, "malsori models show base")
    assert told == (
        "; there are 100, the nearest lingala (ln) or filipino (tl) or ukrainian (uk); "
        "malsori models show base lists them"
    )
    assert alternatives_to("xx", LANGUAGES, "LIST") == "; there are 100, such as en, zh, de; LIST lists them"
    assert alternatives_to("frensh", LANGUAGES, "LIST") == "; did you mean french (fr)?"
    assert alternatives_to(5, ("ko", "en"), "LIST") == "; it knows ko, en"


def test_a_model_that_names_its_language_in_another_way_knows_it_too() -> None:
    assert knows(("nb",), code_of("Norwegian"))
    assert knows(("jv",), code_of("jv"))
    assert knows(("kor",), code_of("ko-KR"))
    assert not knows(("ko",), code_of("ja"))


def test_a_name_that_nobody_knows_is_answered_with_the_one_it_is_like() -> None:
    assert did_you_mean("frensh") == "; did you mean french (fr)?"
    assert did_you_mean("xx") == did_you_mean(5) == did_you_mean("frensh", ("ko", "en")) == ""


def test_options_keep_the_code_however_they_are_given() -> None:
    transcriber = malsori.load("nano-whisper", language="English")
    assert TranscribeOptions(language="French").decoding.language == "fr"
    for found in (
        transcriber.transcribe(SAMPLE, language="english"),
        transcriber.transcribe(SAMPLE, TranscribeOptions(language="English")),
    ):
        assert (found.language, found.language_probability) == ("en", 1.0)
    with pytest.raises(OptionError, match=r"nano-whisper does not know the language 'fr'; it knows ko, en"):
        transcriber.check(language="French")
    with pytest.raises(OptionError, match=r"does not know the language 'englsh'; did you mean english \(en\)\?$"):
        transcriber.check(language="englsh")
    with pytest.raises(OptionError, match="language must be a code or an English name, such as ko or Korean, found 5"):
        transcriber.check(language=5)


def test_without_a_model_a_name_chooses_as_its_code_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALSORI_MODEL")
    assert malsori.load(language="English").engine.manifest.name == "nano-whisper"
    with pytest.raises(OptionError, match=r"the language 'frensh'; did you mean french \(fr\)\?; here: "):
        malsori.load(language="frensh")


@pytest.mark.parametrize("spelled", ["en", "english", "English", "en-US", "en_GB", "eng"])
def test_the_command_takes_names_as_well(spelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", SAMPLE, "--model", "nano-whisper", "--language", spelled]) == 0
    assert capsys.readouterr().out == "it will rain in jeju tomorrow\n"


def test_the_command_answers_an_unknown_name_with_the_one_it_is_like(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", SAMPLE, "--model", "nano-whisper", "--language", "Englsh"]) == 2
    told = "malsori: nano-whisper does not know the language 'englsh'; did you mean english (en)?\n"
    assert capsys.readouterr().err == told
    assert main(["models", "recommend", "--language", "koraen"]) == 2
    assert "is not known to any model; did you mean korean (ko)?" in capsys.readouterr().err
