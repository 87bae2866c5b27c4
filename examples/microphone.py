"""Prints the emotion in your voice: `uv run --with sounddevice examples/microphone.py`.

With `--file recording.wav` it hears a file, second by second, instead of the microphone.
"""

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_track import SERPipeline
from ser_track.errors import SerTrackError
from ser_track.sources.file import read_mono

CONFIG = Path(__file__).parents[1] / "config.json"
RATE_HZ = 16_000
BLOCK_SAMPLES = 16_000
Samples = NDArray[np.float32]


def main() -> None:
    """Listen until the file ends or Ctrl-C is pressed."""
    arguments = argparse.ArgumentParser(description="Print the emotion in a voice, as soon as it pauses.")
    arguments.add_argument("--file", type=Path, help="hear this file instead of the microphone")
    arguments.add_argument("--config", type=Path, default=CONFIG, help="default: the config.json of this checkout")
    args = arguments.parse_args()

    try:
        listen(SERPipeline(config_file=args.config), from_microphone() if args.file is None else from_file(args.file))
    except SerTrackError as error:
        raise SystemExit(str(error)) from None


def listen(pipeline: SERPipeline, blocks: Iterator[Samples]) -> None:
    """Print each result as soon as it is there."""
    try:
        for data in blocks:
            show(pipeline.consume(data))
    except KeyboardInterrupt:
        print()
    show(pipeline.flush())


def show(emotions: dict[str, float] | None) -> None:
    """Print probabilities, the likeliest first; nothing while nobody has finished a phrase."""
    if emotions:
        ranked = sorted(emotions.items(), key=lambda item: -item[1])
        print("  ".join(f"{name} {100 * probability:.0f} %" for name, probability in ranked), flush=True)


def from_microphone() -> Iterator[Samples]:
    """Mono blocks ``[16000]`` of the default microphone, without end."""
    try:
        sounddevice = import_module("sounddevice")
    except ImportError:
        raise SystemExit("sounddevice is missing: uv run --with sounddevice examples/microphone.py") from None
    except OSError as error:
        raise SystemExit(f"sounddevice needs the system library PortAudio ({error}); install libportaudio2") from None
    try:
        with sounddevice.InputStream(samplerate=RATE_HZ, channels=1, dtype="float32") as microphone:
            print("Speak; Ctrl-C ends.")
            while True:
                data, _overflowed = microphone.read(BLOCK_SAMPLES)
                yield data[:, 0]
    except sounddevice.PortAudioError as error:
        raise SystemExit(f"no microphone to read from: {error}; connect one, or use --file") from None


def from_file(path: Path) -> Iterator[Samples]:
    """Mono blocks ``[16000]`` of ``path``; the last may be shorter."""
    samples = read_mono(path)
    for begin in range(0, len(samples), BLOCK_SAMPLES):
        yield samples[begin : begin + BLOCK_SAMPLES]


if __name__ == "__main__":
    main()
