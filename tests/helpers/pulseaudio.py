"""A microphone that every Linux machine can have: PulseAudio's monitor of a sound card that does not exist."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest

_ALSA = Path("/usr/share/alsa/alsa.conf")
_SINK = "tests"


@contextmanager
def pulse_audio(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which ``default`` is a microphone that hears what `play` plays; skips where it cannot be."""
    if not (shutil.which("pulseaudio") and shutil.which("paplay") and find_library("portaudio") and _ALSA.exists()):
        pytest.skip("no PulseAudio or PortAudio (Debian: pulseaudio pulseaudio-utils libasound2-plugins libportaudio2)")
    folder.chmod(0o700)
    configuration = folder / "asound.conf"
    configuration.write_text("pcm.!default { type pulse }\n")
    environment = os.environ | {
        "XDG_RUNTIME_DIR": str(folder),
        "HOME": str(folder),
        "ALSA_CONFIG_PATH": f"{_ALSA}:{configuration}",
        "PULSE_SOURCE": f"{_SINK}.monitor",
    }
    modules = ("module-native-protocol-unix", f"module-null-sink sink_name={_SINK}")
    command = ["pulseaudio", "-n", "--exit-idle-time=-1", *(f"--load={module}" for module in modules)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # Waits for the server by itself: "-w" of pactl is not there before 17.
        for _ in range(100):
            if subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode == 0:
                break
            assert server.poll() is None, "PulseAudio ended"
        else:
            raise TimeoutError("PulseAudio does not answer")
        yield environment
    finally:
        server.terminate()
        server.wait()


def play(path: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Begin to play ``path`` into the microphone."""
    return subprocess.Popen(["paplay", "-d", _SINK, str(path)], env=environment)
