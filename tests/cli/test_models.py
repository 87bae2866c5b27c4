"""`models`: everything that can be configured, with what it says of itself and how fast it is here."""

import json
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.main import main
from ser_track.labels import EMOTIONS
from tests.helpers.foreign_models import MOODS, write_moods
from tests.paths import ROOT


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main([*options, "models", "--json"])
    return code, {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}


def test_ours_are_listed_with_labels_licence_size_and_speed(capsys: pytest.CaptureFixture[str]) -> None:
    code, entries = listed(capsys)
    assert code == 0
    assert list(entries) == ["small", "base", "builtin", "silero-vad"]
    assert [name for name, entry in entries.items() if entry["configured"]] == ["small", "builtin"]
    for name, entry in entries.items():
        assert entry["licence"]
        assert entry["ms_for_3_s"] > 0
        assert entry["error"] is None
        assert entry["kind"] == ("classifier" if name in ("small", "base") else "detector")
    for name in ("small", "base"):
        assert entries[name]["labels"] == list(EMOTIONS)
        assert entries[name]["model"].startswith(f"{name}@")
        assert entries[name]["bytes"] == (ROOT / "ser_track" / "models" / "weights" / f"{name}.onnx").stat().st_size
    assert entries["builtin"]["bytes"] == (ROOT / "ser_track" / "models" / "silero.onnx").stat().st_size
    assert "MIT" in entries["silero-vad"]["licence"]


def test_a_configured_file_is_listed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, config = write_moods(tmp_path), tmp_path / "config.json"
    config.write_text(json.dumps({"pipeline": {"model": str(model), "voice_detector": "silero-vad"}}))
    code, entries = listed(capsys, "--config", str(config))
    assert code == 0
    moods = entries[str(model)]
    assert (moods["source"], moods["configured"], moods["labels"]) == ("file", True, list(MOODS))
    assert (moods["model"], moods["licence"], moods["bytes"]) == ("moods@1.2.0", "CC0-1.0", model.stat().st_size)
    assert entries["silero-vad"]["configured"]
    assert not entries["small"]["configured"]


def test_what_is_configured_and_cannot_be_used_is_listed_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"pipeline": {"voice_detector": "gone"}}')
    assert main(["--config", str(config), "models"]) == 1
    out = capsys.readouterr().out
    assert "* detector   gone" in out
    assert "there is no voice detector 'gone'; use one of builtin" in out
    assert "anger, happiness, sadness, neutral" in out


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "* classifier small  (shipped)\n      model    small@" in out
    assert " ms for 3 s on one thread\n" in out
    assert "licence  MIT (Silero Team); see NOTICE" in out
