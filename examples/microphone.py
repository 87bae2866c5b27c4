"""`SERPipeline` on a microphone, in a few lines: `uv run --with sounddevice examples/microphone.py`.

With `--file recording.wav` it analyses a file instead, as fast as it can. `ser-track listen` shows more, and shows it
live.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_track import SERPipeline
from ser_track.errors import SerTrackError
from ser_track.recordings.file import read_mono
from ser_track.recordings.microphone import Microphone

CONFIG = Path(__file__).parents[1] / "config.json"
RATE_HZ = 16_000
BLOCK_SAMPLES = 16_000
Samples = NDArray[np.float32]


def main() -> None:
    """Listen until the file ends or Ctrl-C is pressed."""
    arguments = argparse.ArgumentParser(description="Print the emotion in a voice, as soon as the speaker pauses.")
    arguments.add_argument("--file", type=Path, help="analyse this file instead of the microphone")
    arguments.add_argument("--config", type=Path, default=CONFIG, help="default: the config.json of this checkout")
    args = arguments.parse_args()

    try:
        listen(SERPipeline(config_file=args.config), from_microphone() if args.file is None else from_file(args.file))
    except SerTrackError as error:
        raise SystemExit(str(error)) from None


def listen(pipeline: SERPipeline, blocks: Iterator[Samples]) -> None:
    """Print each result as soon as it is available."""
    try:
        for data in blocks:
            show(pipeline.consume(data))
    except KeyboardInterrupt:
        print()
    show(pipeline.flush())


def show(emotions: dict[str, float] | None) -> None:
    """Print probabilities, the most likely first; print nothing if no segment has ended."""
    if emotions:
        ranked = sorted(emotions.items(), key=lambda item: -item[1])
        print("  ".join(f"{name} {100 * probability:.0f} %" for name, probability in ranked), flush=True)


def from_microphone() -> Iterator[Samples]:
    """Endless mono blocks of the default microphone."""
    microphone = Microphone()
    print("Speak now. Press Ctrl-C to stop.")
    for piece in microphone:
        yield piece.chunk.samples


def from_file(path: Path) -> Iterator[Samples]:
    """Mono blocks ``[16000]`` of ``path``; the last may be shorter."""
    samples = read_mono(path)
    for begin in range(0, len(samples), BLOCK_SAMPLES):
        yield samples[begin : begin + BLOCK_SAMPLES]


if __name__ == "__main__":
    main()
