"""A microphone as a source, with sounddevice and PortAudio: both are optional, and imported only here."""

import threading
from collections import deque
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, NamedTuple

from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray, ParticipantChunk
from ser_track.errors import AudioError, ConfigError

_BLOCK_S: Final = 0.1
_NAME: Final = "microphone"


class Device(NamedTuple):
    """An input device as PortAudio knows it."""

    number: int
    name: str
    rate_hz: int
    is_default: bool


class HeldBlocks:
    """Blocks between the sound card's thread and ours. When too much waits, the oldest is dropped and counted."""

    def __init__(self, max_samples: int) -> None:
        """Hold at most ``max_samples``."""
        self.lost_samples = 0
        self._max_samples = max_samples
        self._blocks: deque[Chunk] = deque()
        self._held_samples = 0
        self._end = 0
        self._closed = False
        self._changed = threading.Condition()  # re-entrant: a signal handler may close while its thread takes

    def put(self, samples: FloatArray) -> None:
        """Add a block ``[n]`` right after the one before."""
        with self._changed:
            if self._closed:
                return
            self._blocks.append(Chunk(self._end, samples))
            self._end += len(samples)
            self._held_samples += len(samples)
            while self._held_samples > self._max_samples and len(self._blocks) > 1:
                dropped = len(self._blocks.popleft().samples)
                self._held_samples -= dropped
                self.lost_samples += dropped
            self._changed.notify()

    def take(self, timeout_s: float) -> Chunk | None:
        """The oldest block, in samples of the device's rate; ``None`` when closed and empty.

        Raises:
            TimeoutError: nothing came.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._blocks or self._closed, timeout_s):
                raise TimeoutError
            if not self._blocks:
                return None
            block = self._blocks.popleft()
            self._held_samples -= len(block.samples)
            return block

    def close(self) -> None:
        """Accept no more blocks; buffered ones can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()


class Microphone:
    """The sound of one input device at its own rate, resampled to 16 kHz, until `stop`."""

    def __init__(self, device: int | str | None = None, max_held_s: float = 2.0, stalled_after_s: float = 5.0) -> None:
        """Choose ``device``: a number, part of a name, or the default. It is opened when iterated.

        Raises:
            AudioError: there is no microphone, no sounddevice or no PortAudio.
            ConfigError: ``device`` is not an input device.
        """
        self._sounddevice = _import_sounddevice()
        self.device = _chosen(device)
        self._held = HeldBlocks(round(max_held_s * self.device.rate_hz))
        self._stalled_after_s = stalled_after_s
        self._overflows = 0

    @property
    def participants(self) -> tuple[str, ...]:
        """One participant for everything that the microphone records."""
        return (_NAME,)

    @property
    def loss(self) -> str | None:
        """Describe audio lost because this program or machine was too slow; ``None`` if none was lost."""
        lost_s = self._held.lost_samples / self.device.rate_hz
        if not lost_s and not self._overflows:
            return None
        return f"{lost_s:.1f} s of sound were dropped; overflows of the sound card: {self._overflows}"

    def stop(self) -> None:
        """End after the audio recorded so far. May be called from a signal handler or another thread."""
        self._held.close()

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Chunks of a tenth of a second, as they are spoken.

        Raises:
            AudioError: the microphone cannot be opened, or stopped delivering audio.
        """
        resampler, end, rest_at = Resampler(self.device.rate_hz), 0, 0
        try:
            with self._open():
                while (block := self._held.take(self._stalled_after_s)) is not None:
                    if block.at != end:  # audio was dropped: the filter holds samples from before the gap
                        yield _spoken(rest_at, resampler.flush())
                        rest_at = round(block.at / self.device.rate_hz * SAMPLE_RATE_HZ)
                    end = block.end
                    resampled = resampler.push(block.samples)
                    yield _spoken(rest_at, resampled)
                    rest_at += len(resampled)
            yield _spoken(rest_at, resampler.flush())
        except TimeoutError:
            remedy = "connect it again, or choose another with --device"
            raise AudioError(f"{self.device.name} gave no sound for {self._stalled_after_s:g} s; {remedy}") from None
        except self._sounddevice.PortAudioError as error:
            remedy = "close other programs that use it, allow this program to use it, or choose another with --device"
            raise AudioError(f"{self.device.name} cannot be opened ({_reason(error)}); {remedy}") from error

    def _open(self) -> Any:
        return self._sounddevice.InputStream(
            device=self.device.number,
            samplerate=self.device.rate_hz,
            blocksize=round(_BLOCK_S * self.device.rate_hz),
            channels=1,
            dtype="float32",
            callback=self._heard,
        )

    def _heard(self, block: FloatArray, frames: int, clock: Any, status: Any) -> None:
        """On PortAudio's thread; ``block`` ``[n, 1]`` is its memory, valid only during the call."""
        self._overflows += bool(status.input_overflow)
        self._held.put(block[:, 0].copy())


def _spoken(at: int, samples: FloatArray) -> ParticipantChunk:
    return ParticipantChunk(_NAME, Chunk(at, samples))


def input_devices() -> list[Device]:
    """List all input devices.

    Raises:
        AudioError: there is none, or no sounddevice or PortAudio.
    """
    sounddevice = _import_sounddevice()
    default = sounddevice.default.device[0]
    devices = [
        Device(found["index"], found["name"], round(found["default_samplerate"]), found["index"] == default)
        for found in sounddevice.query_devices()
        if found["max_input_channels"] > 0
    ]
    if not devices:
        raise AudioError("there is no microphone on this machine; connect one, or use --file FILE")
    return devices


def _chosen(wanted: int | str | None) -> Device:
    devices = input_devices()
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    if isinstance(wanted, int):
        matching = [device for device in devices if device.number == wanted]
    else:
        exactly = [device for device in devices if wanted == device.name]
        matching = exactly or [device for device in devices if wanted.lower() in device.name.lower()]
    if len(matching) != 1:
        problem = f"{len(matching) or 'no'} input devices match {wanted!r}"
        raise ConfigError("--device", [f"{problem}; --list-devices shows them with their numbers"])
    return matching[0]


def _import_sounddevice() -> Any:
    try:
        return import_module("sounddevice")
    except ImportError:
        remedy = "pip install sounddevice, or use --file FILE"
        raise AudioError(f"the microphone needs the package sounddevice, which is not installed; {remedy}") from None
    except OSError as error:
        remedy = "install it (Debian: libportaudio2, Homebrew: portaudio), or use --file FILE"
        raise AudioError(f"the microphone needs the system library PortAudio ({error}); {remedy}") from None


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
