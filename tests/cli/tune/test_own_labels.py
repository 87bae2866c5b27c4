"""Labels of a user's own: any words, and enough of each."""

from pathlib import Path

import pytest

from ser_track.cli.manifest import Clip
from ser_track.cli.tune.own_labels import OwnClips, problems_of
from ser_track.errors import ConfigError
from tests.helpers.labelled_clips import Row, write_rows


def read(folder: Path, words: list[str]) -> OwnClips:
    rows = [(f"{number}.wav", word, "ann") for number, word in enumerate(words)]
    return OwnClips.read(write_rows(folder / "manifest.csv", rows))


def test_words_become_names_and_stay_titles(tmp_path: Path) -> None:
    own = read(tmp_path, ["Very  angry", "very angry", "гнев", "très-calme", "2nd", "happy"])
    titles = {label.name: label.title for label in own.labels.labels}
    assert titles == {
        "label_2nd": "2nd",
        "happy": "happy",
        "tres-calme": "très-calme",
        "very_angry": "very angry",
        "label_5": "гнев",
    }
    assert [own.labels.labels[clip.emotion].title for clip in own.clips] == [
        *("very angry", "very angry", "гнев", "très-calme", "2nd", "happy")
    ]


def test_words_that_would_have_one_name_get_two(tmp_path: Path) -> None:
    assert read(tmp_path, ["tres", "très", "tres!"]).labels.names == ("tres", "tres_2", "tres_3")


def test_words_for_our_four_are_marked_as_such(tmp_path: Path) -> None:
    labels = read(tmp_path, ["Anger", "happy", "sad", "calm", "neutral", "fear", "bored"]).labels
    assert labels.compatible == {
        "anger": "anger",
        "happy": "happiness",
        "sad": "sadness",
        "calm": "neutral",
        "neutral": "neutral",
    }


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    rows: list[Row] = [("b.wav", "sad", "ann"), ("a.wav", "happy", "bob"), ("c.wav", "sad", "ann")]
    orders = [OwnClips.read(write_rows(tmp_path / "manifest.csv", each)) for each in (rows, rows[::-1])]
    assert orders[0] == orders[1]
    assert [clip.name for clip in orders[0].clips] == ["a.wav", "b.wav", "c.wav"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "it has no labelled clip; give clips of at least two labels"),
        (["sad", "Sad"], "the only label is 'sad'; give clips of at least two labels"),
        (["sad", "unsure"], "'unsure' has another meaning in events and tables"),
        (["sad", "x" * 50], "title"),
        ([f"w{i}" for i in range(40)], "it has 40 labels; give 2 to 32"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path: Path, words: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as failure:
        read(tmp_path, words)
    assert "manifest.csv" in str(failure.value)


def test_a_file_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    rows: list[Row] = [("a.wav", "sad", "ann"), ("./a.wav", "happy", "ann")]
    with pytest.raises(ConfigError, match=r"1 files are named more than once \(.*a\.wav\); name each once"):
        OwnClips.read(write_rows(tmp_path / "manifest.csv", rows))


def clips(counts: dict[tuple[int, str], int]) -> list[Clip]:
    return [
        Clip(f"{label}{speaker}{i}.wav", Path("x"), label, speaker)
        for (label, speaker), count in counts.items()
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "by_speaker", "reasons"),
    [
        ({(0, "a"): 5, (0, "b"): 5, (0, "c"): 1, (1, "a"): 4, (1, "b"): 4, (1, "c"): 4}, True, []),
        ({(0, "a"): 9, (1, "a"): 30}, False, ["label 'happy' has 9 clips; give at least 10"]),
        ({(0, "a"): 10, (1, "a"): 30}, False, []),
        ({(0, ""): 10, (1, ""): 30}, False, []),
        ({(0, ""): 10, (1, "a"): 30}, True, ["10 of 40 clips do not name their speaker; fill in the column 'speaker'"]),
        (
            {(0, "a"): 5, (0, "b"): 5, (1, "a"): 30},
            True,
            ["'happy' is spoken by 2 speakers (a, b); give at least 3", "'sad' is spoken by 1 speaker (a)"],
        ),
    ],
)
def test_too_little_is_said_with_what_is_needed(
    tmp_path: Path, counts: dict[tuple[int, str], int], by_speaker: bool, reasons: list[str]
) -> None:
    problems = problems_of(clips(counts), read(tmp_path, ["happy", "sad"]).labels, by_speaker)
    assert len(problems) == len(reasons)
    for problem, reason in zip(problems, reasons, strict=True):
        assert reason in problem
