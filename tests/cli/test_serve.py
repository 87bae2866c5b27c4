"""What `ser-track serve` prints when it is ready: addresses that can be opened, and which configuration holds."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ser_track.cli.serve import exposure_warning, ready_text, report_ready
from ser_track.config.schema import Config, MeetingsConfig, ServerConfig
from tests.paths import ROOT


def ready(host: str = "127.0.0.1", port: int = 8080, token: str | None = None) -> list[str]:
    text = ready_text(Config(server=ServerConfig(host=host, token=token)), port, "defaults")
    *lines, configuration = text.splitlines()
    assert configuration == "configuration: defaults"
    return lines


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:8080"),
        ("10.0.0.7", "http://10.0.0.7:8080"),
        ("::1", "http://[::1]:8080"),
        ("2001:db8::7", "http://[2001:db8::7]:8080"),
        ("0.0.0.0", "http://localhost:8080"),
        ("::", "http://[::1]:8080"),
        ("0:0:0:0:0:0:0:0", "http://[::1]:8080"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:8080"),
    ],
)
def test_the_address_can_be_opened(host: str, address: str) -> None:
    first, *others = ready(host)
    assert first == f"ser_track is ready: {address} (stop with Ctrl-C)"
    assert all(re.fullmatch(r"from other machines: http://(?!0\.0\.0\.0|\[::\])\S+:8080", line) for line in others)
    assert len(others) <= (host in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0"))


def test_the_token_is_in_it() -> None:
    assert (
        ready(token="a b/c&d")[0] == "ser_track is ready: http://localhost:8080/?token=a%20b%2Fc%26d (stop with Ctrl-C)"
    )


@pytest.mark.parametrize("where", ["here", "named", "nowhere"])
def test_what_it_prints_can_be_opened_and_says_which_configuration_holds(tmp_path: Path, where: str) -> None:
    told = {
        "here": "config.json in this folder (use --config to name another)",
        "named": "other.json",
        "nowhere": "defaults (no --config, and no config.json in this folder)",
    }[where]
    if where != "nowhere":
        config = {"server": {"token": "sesame"}, "rooms": {"max_rooms": 3}}
        (tmp_path / told.split()[0]).write_text(json.dumps(config))
    options = ["--config", "other.json"] if where == "named" else []
    command = [sys.executable, "-m", "ser_track", "serve", "--port", "0", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (tmp_path / "err").open("wb") as err:
        served = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=err, text=True)
    with served:
        try:
            assert served.stdout is not None
            ready_line, configuration = served.stdout.readline(), served.stdout.readline()
            assert configuration == f"configuration: {told}\n"
            (url,) = re.findall(r"http://\S+", ready_line)
            assert url.endswith("/?token=sesame") == (where != "nowhere")
            with urllib.request.urlopen(url.replace("/?", "/metrics?"), timeout=10) as response:
                assert response.status == 200
        finally:
            served.terminate()


def exposed(host: str = "127.0.0.1", public_url: str | None = None, **server: Any) -> str | None:
    meetings = MeetingsConfig(public_url=public_url)
    return exposure_warning(Config(server=ServerConfig(host=host, **server), meetings=meetings))


def test_a_server_that_others_can_reach_without_token_or_tls_prints_a_warning_in_a_box() -> None:
    both = exposed("0.0.0.0")
    assert both is not None
    assert "server.token is not set" in both
    assert "server.tls_certificate is not set" in both
    lines = both.strip().splitlines()
    assert lines[0] == lines[-1] == "!" * len(lines[0])
    for host in ("", "::", "192.0.2.1", "meet.example.org"):
        assert exposed(host) is not None, host
    assert "server.token" not in (exposed("0.0.0.0", token="t") or "server.token")
    assert "tls_certificate" not in (exposed("0.0.0.0", tls_certificate="c", tls_key="k") or "tls_certificate")
    assert exposed("0.0.0.0", token="t", tls_certificate="c", tls_key="k") is None


def test_a_server_behind_a_proxy_is_warned_about_its_token_and_one_of_this_machine_about_nothing() -> None:
    for proxied in ({"public_url": "https://meet.example.org"}, {"allowed_origins": ("https://meet.example.org",)}):
        assert "server.token is not set" in (exposed(**proxied) or "")
        assert exposed(**proxied, token="t") is None
    assert exposed() is None
    assert exposed("::1", public_url="http://localhost:8080", allowed_origins=("http://127.0.0.1:9",)) is None


def test_the_warning_comes_on_stderr_after_the_server_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    report_ready(Config(server=ServerConfig(host="0.0.0.0")), 8080, "defaults")
    told = capsys.readouterr()
    assert told.out.startswith("ser_track is ready: ")
    assert "WARNING: this server is open to other machines" in told.err
    report_ready(Config(), 8080, "defaults")
    assert capsys.readouterr().err == ""
