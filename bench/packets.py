"""Opus packets, encoded before the measurement, so that sending costs next to nothing."""

import wave
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from training.opus import encoded

RATE_HZ: Final = 48_000
FRAME_SAMPLES: Final = 960
PACKET_S: Final = 0.02
SPOKEN: Final = Path(__file__).parents[1] / "tests" / "data" / "spoken.wav"
DTX_BYTES: Final = 2
"""Packets of at most this size stand for silence; WebRTC sends few of them."""
DTX_EVERY: Final = 20
"""With DTX, WebRTC sends one packet in 400 ms during silence."""
SILENCE_TURNS: Final = 7
"""After the recording, a caller is silent for this many times its length: one in eight speaks."""
_FULL_SCALE: Final = 32_768
_LOWEST_LEVEL: Final = 127


class Packet(NamedTuple):
    """What one packet carries."""

    payload: bytes
    level: int
    """RMS of the sound before encoding in -dBov, from 0 to 127 (RFC 6464)."""


@dataclass(frozen=True)
class Encoding:
    """How callers encode. The encoder always takes 48 kHz, as in browsers."""

    bandwidth: str
    """``fullband`` (20 kHz) or ``wideband`` (8 kHz: SILK alone)."""
    bit_rate: int


FULLBAND: Final = Encoding("fullband", 32_000)
"""libwebrtc's defaults for mono (modules/audio_coding/codecs/opus/audio_encoder_opus.cc)."""
WIDEBAND: Final = Encoding("wideband", 20_000)
"""The same, where the receiver's answer has ``maxplaybackrate=16000`` (RFC 7587, 6.1)."""
_CUTOFF_HZ: Final = {"fullband": 20_000, "wideband": 8_000}
"""As libopus's wrapper in FFmpeg names the encoder's largest bandwidth."""


@cache
def turn(encoding: Encoding, dtx: bool = False) -> tuple[Packet, ...]:
    """What a caller sends in a loop: the spoken recording, then silence.

    The room is quiet (-60 dBFS), also while they speak: no microphone gives digital silence. With ``dtx``, the silence
    is digital, so that DTX begins.
    """
    heard = spoken_sound()
    heard += _noise(len(heard) / RATE_HZ, 1)[: len(heard)]
    spoken = _packets(encode(heard, encoding.bit_rate, cutoff=str(_CUTOFF_HZ[encoding.bandwidth])), heard)
    if dtx:
        silence = [Packet(payload, _LOWEST_LEVEL) for payload in nothing()]
    else:
        silence = _packets(room_noise(encoding=encoding), _noise(4.0, 0))
    return (*spoken, *(silence[index % len(silence)] for index in range(SILENCE_TURNS * len(spoken))))


def levels(samples: NDArray[np.int16]) -> list[int]:
    """The level of each 20 ms of ``samples`` [n] at 48 kHz, as browsers compute it: RMS, rounded to whole decibels."""
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    frames = samples[:whole].reshape(-1, FRAME_SAMPLES) / _FULL_SCALE
    in_db = -10 * np.log10(np.maximum((frames**2).mean(axis=1), 1e-20))
    return [int(level) for level in np.clip(np.rint(in_db), 0, _LOWEST_LEVEL)]


def spoken_sound() -> NDArray[np.int16]:
    """The spoken test recording at 48 kHz."""
    with wave.open(str(SPOKEN)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    return np.interp(np.arange(len(samples) * 3) / 3, np.arange(len(samples)), samples).astype(np.int16)


def speech() -> list[bytes]:
    """The spoken test recording as 20 ms packets."""
    return encode(spoken_sound())


def room_noise(seconds: float = 4.0, seed: int = 0, encoding: Encoding = FULLBAND) -> list[bytes]:
    """A quiet room at -60 dBFS, without DTX: what a silent participant sends."""
    return encode(_noise(seconds, seed), encoding.bit_rate, cutoff=str(_CUTOFF_HZ[encoding.bandwidth]))


def nothing(seconds: float = 4.0) -> list[bytes]:
    """Silence with DTX: after the beginning, packets of one or two bytes, of which WebRTC sends one in twenty."""
    return encoded(np.zeros((round(seconds * 50), 320), np.float32), 24_000, dtx=True)[50:]


def encode(samples: NDArray[np.int16], bitrate: int = 32_000, frame_ms: int = 20, **options: str) -> list[bytes]:
    """Samples [n] or [n, 2] at 48 kHz as Opus packets; ``options`` are libopus's (fec, packet_loss, cutoff …)."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    layout = "mono" if samples.ndim == 1 else "stereo"
    encoder.sample_rate, encoder.bit_rate, encoder.layout, encoder.format = RATE_HZ, bitrate, layout, "s16"
    encoder.time_base = Fraction(1, RATE_HZ)
    encoder.options = {"application": "voip", "frame_duration": str(frame_ms), **options}
    packets: list[bytes] = []
    size = frame_ms * RATE_HZ // 1000
    for start in range(0, len(samples) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(samples[start : start + size].reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = RATE_HZ, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def _noise(seconds: float, seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, 32.8, int(seconds * RATE_HZ)).astype(np.int16)


def _packets(payloads: list[bytes], samples: NDArray[np.int16]) -> list[Packet]:
    return [Packet(*each) for each in zip(payloads, levels(samples), strict=True)]
