"""Manifests as people write them: spreadsheets, synonyms, missing cells."""

from pathlib import Path

import pytest

from ser_track.cli.manifest import Clip, read_manifest
from ser_track.errors import ConfigError
from ser_track.labels import EMOTIONS


def manifest(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "manifest.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("spelling", "emotion"),
    [
        ("angry", "anger"),
        ("anger", "anger"),
        ("Happy", "happiness"),
        ("HAPPINESS", "happiness"),
        (" sad ", "sadness"),
        ("sadness", "sadness"),
        ("neutral", "neutral"),
        ("calm", "neutral"),
    ],
)
def test_emotions_have_their_usual_names(tmp_path: Path, spelling: str, emotion: str) -> None:
    read = read_manifest(manifest(tmp_path, f"path,emotion\na.wav,{spelling}\n"))
    assert read.clips == (Clip("a.wav", tmp_path / "a.wav", EMOTIONS.index(emotion), ""),)


def test_columns_come_in_any_order_with_others_and_paths_may_be_absolute(tmp_path: Path) -> None:
    text = "Speaker,note,EMOTION, path\r\nada,x,calm,sub/é.wav\r\n,,sad," + str(tmp_path / "b.wav") + "\r\n"
    one, other = read_manifest(manifest(tmp_path, text, "utf-8-sig")).clips
    assert (one.path, one.speaker, one.emotion) == (tmp_path / "sub" / "é.wav", "ada", EMOTIONS.index("neutral"))
    assert (other.path, other.speaker) == (tmp_path / "b.wav", "")


def test_other_emotions_are_counted_and_broken_rows_listed(tmp_path: Path) -> None:
    text = "path,emotion\na.wav,fear\nb.wav,disgust\nc.wav,Fear\n,sad\nd.wav\nf.wav,sad\n"
    read = read_manifest(manifest(tmp_path, text))
    assert read.other_emotions == {"disgust": 1, "fear": 2}
    assert read.broken_lines == (5, 6)
    assert [clip.name for clip in read.clips] == ["f.wav"]


@pytest.mark.parametrize(
    ("text", "encoding", "reason"),
    [
        ("file,emotion\na.wav,sad\n", "utf-8", "no column 'path'"),
        ("", "utf-8", "no column 'path' and 'emotion'"),
        ("path;emotion\na.wav;sad\n", "utf-8", "no column 'path' and 'emotion'"),
        ("path,emotion\né.wav,sad\n", "latin-1", "not readable as CSV in UTF-8"),
    ],
)
def test_what_is_no_manifest_is_named(tmp_path: Path, text: str, encoding: str, reason: str) -> None:
    path = manifest(tmp_path, text, encoding)
    with pytest.raises(ConfigError, match=reason) as failure:
        read_manifest(path)
    assert str(path) in str(failure.value)


def test_a_manifest_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_manifest(tmp_path / "gone.csv")
    with pytest.raises(ConfigError, match="not readable"):
        read_manifest(tmp_path)
