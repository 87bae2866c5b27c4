"""Configuration: the defaults, and everything that is wrong with a file named at once."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ser_track.config import Config, PipelineConfig, load_config
from ser_track.errors import ConfigError

SHIPPED = Path(__file__).parents[1] / "config.json"


def problems(tmp_path: Path, document: object) -> list[str]:
    """What `load_config` finds wrong with ``document``: a string is the file's text."""
    path = tmp_path / "config.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    assert raised.value.source == str(path)
    assert all(problem in str(raised.value) for problem in raised.value.problems)
    return list(raised.value.problems)


def test_the_shipped_file_says_what_the_defaults_say() -> None:
    assert load_config(SHIPPED) == load_config() == Config()


def test_the_shipped_file_names_every_key() -> None:
    assert json.loads(SHIPPED.read_text(encoding="utf-8")) == json.loads(json.dumps(asdict(Config())))


def test_every_default_is_a_value_that_a_file_may_hold(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(asdict(Config())), encoding="utf-8")
    assert load_config(path) == Config()


def test_a_file_changes_what_it_names_and_overrides_win_over_it(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"pipeline": {"channels": 2, "model": "m.onnx"}, "server": {"token": "t"}}', encoding="utf-8")
    config = load_config(path, {"pipeline": {"channels": 4}, "rooms": {"max_rooms": 3}})
    assert config.pipeline == PipelineConfig(channels=4, model="m.onnx")
    assert (config.server.token, config.server.port, config.rooms.max_rooms) == ("t", 8080, 3)


def test_whole_numbers_are_taken_for_seconds_and_lists_become_tuples(tmp_path: Path) -> None:
    config = load_config(None, {"pipeline": {"max_segment_s": 5}, "runtime": {"ice_servers": ["stun:s"]}})
    assert (config.pipeline.max_segment_s, type(config.pipeline.max_segment_s)) == (5.0, float)
    assert config.runtime.ice_servers == ("stun:s",)


def test_all_problems_are_named_at_once_with_the_key_and_the_limits(tmp_path: Path) -> None:
    document = {
        "pipline": {},
        "pipeline": {"vad_confidence": 0.5, "max_segment_s": 31, "sample_format": "int24"},
        "server": {"port": "8080"},
        "rooms": [],
    }
    found = problems(tmp_path, document)
    assert [problem.split(" (known")[0] for problem in found] == [
        "pipeline.max_segment_s must be from 0.5 to 30, not 31",
        "pipeline.sample_format must be one of float32, int16, int32, uint8, not 'int24'",
        "section 'rooms' must be an object, not a list",
        "server.port must be int, not '8080'",
        "unknown key 'pipeline.vad_confidence'",
        "unknown section 'pipline'",
    ]
    assert "vad_min_confidence" in found[4]
    assert "rooms, server" in found[5]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("pipeline", "vad_min_confidence", True),
        ("pipeline", "vad_min_confidence", None),
        ("pipeline", "vad_min_confidence", 1.0),
        ("pipeline", "channels", True),
        ("pipeline", "max_segment_s", True),
        ("pipeline", "channels", 2.0),
        ("pipeline", "channels", 0),
        ("pipeline", "model", 3),
        ("pipeline", "sample_format", ["int16"]),
        ("runtime", "ice_servers", "stun:s"),
        ("runtime", "ice_servers", [1]),
        ("server", "token", 5),
        ("server", "host", None),
        ("server", "port", 65_536),
    ],
)
def test_a_value_of_another_type_or_outside_the_limits_is_refused(
    tmp_path: Path, section: str, key: str, value: object
) -> None:
    (problem,) = problems(tmp_path, {section: {key: value}})
    assert problem.startswith(f"{section}.{key} must be ")


def test_an_empty_token_is_refused_because_it_would_let_everybody_in(tmp_path: Path) -> None:
    assert problems(tmp_path, {"server": {"token": ""}}) == ["server.token must not be empty"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, number: str) -> None:
    (problem,) = problems(tmp_path, f'{{"pipeline": {{"max_segment_s": {number}}}}}')
    assert problem.startswith("pipeline.max_segment_s must be from 0.5 to 30")


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "\x00", '{"pipeline": {},}'])
def test_a_file_that_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("not readable as JSON")


@pytest.mark.parametrize(("text", "kind"), [("[]", "a list"), ("3", "a number"), ("null", "null"), ("true", "true or")])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, text: str, kind: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(f"must hold one JSON object, not {kind}")


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '{"server": {"port": 1, "host": "h", "port": 2}}')
    assert problem == "not readable as JSON (given more than once: port)"


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b'{"server": {"host": "\xff"}}')
    with pytest.raises(ConfigError, match="not readable as JSON"):
        load_config(path)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.json: the file does not exist"):
        load_config(tmp_path / "absent.json")
    with pytest.raises(ConfigError, match="not readable"):
        load_config(tmp_path)


def test_a_minimum_over_the_maximum_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"pipeline": {"min_segment_s": 3, "max_segment_s": 2}})
    assert "min_segment_s" in problem
    assert "max_segment_s" in problem


@pytest.mark.parametrize("given", [{"tls_certificate": "c.pem"}, {"tls_key": "k.pem"}])
def test_certificate_and_key_come_together_or_not_at_all(tmp_path: Path, given: dict[str, Any]) -> None:
    (problem,) = problems(tmp_path, {"server": given})
    assert "together" in problem
    both = load_config(None, {"server": {"tls_certificate": "c.pem", "tls_key": "k.pem"}}).server
    assert (both.tls_certificate, both.tls_key) == ("c.pem", "k.pem")


def test_unknown_sections_and_keys_of_overrides_are_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"configuration: unknown key 'server\.prt'.*unknown section 'pipe'"):
        load_config(None, {"pipe": {"channels": 1}, "server": {"prt": 1}})
