"""Configuration: the defaults, and everything that is wrong with a file named at once."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from aiortc.rtcicetransport import parse_stun_turn_uri

from ser_track.config.schema import Config, IceServer, PipelineConfig, load_config
from ser_track.errors import ConfigError
from tests.paths import ROOT

SHIPPED = ROOT / "config.json"


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
    path, model = tmp_path / "config.json", tmp_path / "m.onnx"
    model.touch()
    document = {"pipeline": {"channels": 2, "model": str(model)}, "server": {"token": "t"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    config = load_config(path, {"pipeline": {"channels": 4}, "rooms": {"max_rooms": 3}})
    assert config.pipeline == PipelineConfig(channels=4, model=str(model))
    assert (config.server.token, config.server.port, config.rooms.max_rooms) == ("t", 8080, 3)


@pytest.mark.parametrize(
    ("section", "key", "bad", "good"),
    [
        ("server", "port", "eighty", 0),
        ("server", "host", 7, "127.0.0.1"),
        ("server", "workers", 0, 2),
        ("pipeline", "model", "/gone.onnx", "base"),
        ("meetings", "consent", "never", "notice"),
        ("meetings", "public_url", "meet.example", "https://meet.example"),
    ],
)
def test_a_bad_value_is_refused_even_if_an_option_overrides_it(
    tmp_path: Path, section: str, key: str, bad: object, good: object
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({section: {key: bad}}), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(path, {section: {key: good}})
    assert len(refused.value.problems) == 1
    assert f"{section}.{key} " in str(refused.value)


def test_whole_numbers_are_taken_for_seconds_and_lists_become_tuples(tmp_path: Path) -> None:
    config = load_config(None, {"pipeline": {"max_segment_s": 5}, "runtime": {"ice_servers": ["stun:s"]}})
    assert (config.pipeline.max_segment_s, type(config.pipeline.max_segment_s)) == (5.0, float)
    assert config.runtime.ice_servers == (IceServer("stun:s"),)


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
    assert "rooms, meetings, server" in found[5]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("pipeline", "vad_min_confidence", True),
        ("pipeline", "vad_min_confidence", None),
        ("pipeline", "vad_min_confidence", 1.0),
        ("pipeline", "channels", True),
        ("pipeline", "max_segment_s", True),
        ("pipeline", "six_emotions", 1),
        ("pipeline", "voice_adaptation", "yes"),
        ("pipeline", "channels", 2.0),
        ("pipeline", "channels", 0),
        ("pipeline", "model", 3),
        ("pipeline", "sample_format", ["int16"]),
        ("runtime", "ice_servers", "stun:s"),
        ("runtime", "ice_servers", [1]),
        ("runtime", "excluded_networks", ["10.0.0.1/8"]),
        ("runtime", "excluded_networks", [10]),
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


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_certificate_and_key_come_together_or_not_at_all(tmp_path: Path, given: str) -> None:
    pem = tmp_path / "both.pem"
    pem.touch()
    (problem,) = problems(tmp_path, {"server": {given: str(pem)}})
    assert "together" in problem
    both = load_config(None, {"server": {"tls_certificate": str(pem), "tls_key": str(pem)}}).server
    assert (both.tls_certificate, both.tls_key) == (str(pem), str(pem))


def test_what_keys_must_keep_together_is_checked_beside_other_problems(tmp_path: Path) -> None:
    document = {"pipeline": {"min_segment_s": 11, "channels": 0}, "server": {"tls_key": "gone.pem", "prt": 1}}
    assert [problem.split(" (known")[0] for problem in problems(tmp_path, document)] == [
        "pipeline.channels must be from 1 to 32, not 0",
        "pipeline.min_segment_s must not be over pipeline.max_segment_s",
        "server.tls_certificate and server.tls_key must be given together",
        "server.tls_key must be a file, but gone.pem does not exist; correct the path, or leave the key out",
        "unknown key 'server.prt'",
    ]


def test_of_a_key_that_was_refused_nothing_is_said_twice(tmp_path: Path) -> None:
    document = {"pipeline": {"min_segment_s": 11, "max_segment_s": "12"}}
    assert problems(tmp_path, document) == ["pipeline.max_segment_s must be a number, not '12'"]


def test_files_that_are_missing_are_named_with_everything_else(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    document = {
        "pipeline": {"model": "gone.onnx"},
        "server": {"tls_certificate": "gone.crt", "tls_key": str(folder), "port": -1},
    }
    found = problems(tmp_path, document)
    assert [problem.split("; ")[0] for problem in found] == [
        "pipeline.model must be small, base or a file, but gone.onnx does not exist",
        "server.port must be from 0 to 65535, not -1",
        "server.tls_certificate must be a file, but gone.crt does not exist",
        f"server.tls_key must be a file, but {folder} does not exist",
    ]


@pytest.mark.parametrize("path", ["a\0b", "n" * 5_000])
def test_a_path_that_cannot_be_is_a_missing_file(tmp_path: Path, path: str) -> None:
    (problem,) = problems(tmp_path, {"pipeline": {"model": path}})
    assert problem.startswith("pipeline.model must be small, base or a file")


def test_a_file_that_only_others_may_look_for_is_left_to_who_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert load_config(None, {"pipeline": {"model": "hidden.onnx"}}).pipeline.model == "hidden.onnx"


TURN = {"urls": "turns:relay.example:443?transport=tcp", "username": "u", "credential": "secret"}


def test_ice_servers_are_stun_addresses_and_turn_with_credentials() -> None:
    listed = ["stun:stun.example:3478", "stuns:stun.example", {"urls": "stun:10.0.0.1"}, TURN]
    servers = load_config(None, {"runtime": {"ice_servers": listed}}).runtime.ice_servers
    assert [server.described() for server in servers] == [
        {"urls": "stun:stun.example:3478"},
        {"urls": "stuns:stun.example"},
        {"urls": "stun:10.0.0.1"},
        TURN,
    ]
    assert "secret" not in repr(servers)
    for server in servers:
        parse_stun_turn_uri(server.urls)


@pytest.mark.parametrize(
    "entry",
    [
        "foo",
        "",
        "stun:",
        "turn:",
        "stun:s:0",
        "stun:s:65536",
        "stun:s?transport=udp",
        "stun:[::1]",
        "http://s",
        "stun:s ",
        "turn:relay.example",
        TURN | {"urls": "turn:relay.example?transport=sctp"},
        TURN | {"urls": "turns:relay.example?transport=udp"},
        TURN | {"urls": ["turn:relay.example"]},
        TURN | {"username": None},
        TURN | {"credential": ""},
        TURN | {"credential": 5},
        TURN | {"password": "secret"},
        {"urls": "stun:s", "credential": "secret"},
        {"username": "u", "credential": "secret"},
        None,
        1,
    ],
)
def test_what_is_no_ice_server_is_refused_and_gives_no_secret_away(tmp_path: Path, entry: object) -> None:
    (problem,) = problems(tmp_path, {"runtime": {"ice_servers": ["stun:s", entry]}})
    assert problem.startswith("runtime.ice_servers must be ")
    assert problem.endswith("(entry 2)")
    assert "secret" not in problem


@pytest.mark.parametrize(
    "origin",
    ["*", "https://a.example", "http://localhost:3000", "http://[::1]:8080", "https://a.example:80", "app://b"],
)
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    assert load_config(None, {"server": {"allowed_origins": [origin]}}).server.allowed_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example/",
        "https://a.example/page",
        "https://a.example?q",
        "https://u@a.example",
        "https://a.example:443",
        "http://a.example:80",
        "HTTPS://A.example",
        "https://*.b",
        "https://",
        "a.example",
        "null",
        "",
        "**",
        3,
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_with_the_remedy(tmp_path: Path, origin: object) -> None:
    found = problems(tmp_path, {"server": {"allowed_origins": ["https://a.example", origin]}})
    assert len(found) == 1
    assert found[0].startswith("server.allowed_origins must be * or scheme://host[:port] ")
    assert found[0].endswith(f"not {origin!r} (entry 2)")


def test_every_bad_entry_of_a_list_is_named(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"server": {"allowed_origins": ["a", "https://b", "c"]}})
    assert "not 'a' (entry 1); must be" in problem
    assert problem.endswith("not 'c' (entry 3)")


def test_unknown_sections_and_keys_of_overrides_are_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"configuration: unknown key 'server\.prt'.*unknown section 'pipe'"):
        load_config(None, {"pipe": {"channels": 1}, "server": {"prt": 1}})


def test_a_file_with_a_key_that_was_removed_still_works_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"runtime": {"provisional_per_tick": 1, "tick_s": 0.05}}), encoding="utf-8")
    assert load_config(path).runtime.tick_s == 0.05
    (record,) = caplog.records
    assert "runtime.provisional_per_tick has no effect" in record.getMessage()
    assert "remove it" in record.getMessage()
