"""Machines with and without microphones, whatever this one has."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest


def without_microphones(folder: Path) -> dict[str, str]:
    """What the environment of a process must say so that it finds no microphone."""
    if sys.platform != "linux":
        pytest.skip("only on Linux the environment can take the microphones away")
    configuration = folder / "asound.conf"
    configuration.write_text("pcm.none { type hw card 99 }\n")  # a sound card that is not there
    return {"ALSA_CONFIG_PATH": str(configuration), "XDG_RUNTIME_DIR": str(folder)}


class Machine(ModuleType):
    """What sounddevice says on a machine with these devices, the second of them a loudspeaker."""

    PortAudioError = OSError

    def __init__(self, *names: str) -> None:
        super().__init__("sounddevice")
        self.default = SimpleNamespace(device=(0, 0))
        self._names = names

    def query_devices(self) -> list[dict[str, object]]:
        return [
            {"name": name, "index": number, "default_samplerate": 48_000.0, "max_input_channels": number != 1}
            for number, name in enumerate(self._names)
        ]

    @contextmanager
    def InputStream(self, **settings: Any) -> Iterator[None]:  # noqa: N802  # sounddevice's name
        """Six seconds at once, as they wait for a program that was held up; the third block after an overflow.

        Each block is a tone of 1 kHz, louder than the one before.
        """
        wave = np.sin(2 * np.pi * np.arange(settings["blocksize"]) / 48).astype(np.float32)
        for number in range(60):
            block = (number / 60 * wave)[:, None]
            settings["callback"](block, len(block), None, SimpleNamespace(input_overflow=number == 2))
            block[:] = np.nan  # the memory is PortAudio's
        yield
