"""PyAV's own WHIP muxer as a sender: `python -m tests.helpers.pyav_whip URL WAV SECONDS [option=value …]`.

In a process of its own, because PyAV waits for the server's answer without letting other threads run.
"""

import fractions
import sys
import time
import wave

import av
import numpy as np

FRAME_SAMPLES = 320
RATE_HZ = 16_000


def main(url: str, path: str, seconds: str, *options: str) -> None:
    av.logging.set_level(av.logging.INFO)
    with wave.open(path) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    frames = int(float(seconds) * RATE_HZ) // FRAME_SAMPLES
    samples = np.pad(samples, (0, max(0, frames * FRAME_SAMPLES - len(samples))))
    with av.open(url, "w", format="whip", options=dict(option.split("=", 1) for option in options)) as container:
        stream = container.add_stream("libopus", rate=48_000)
        assert isinstance(stream, av.AudioStream)
        stream.layout, stream.bit_rate = "stereo", 32_000
        begun = time.monotonic()
        for number in range(frames):
            piece = samples[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES]
            frame = av.AudioFrame.from_ndarray(piece[None], "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = (
                RATE_HZ,
                number * FRAME_SAMPLES,
                fractions.Fraction(1, RATE_HZ),
            )
            for packet in stream.encode(frame):
                container.mux(packet)
            time.sleep(max(0.0, begun + number * FRAME_SAMPLES / RATE_HZ - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
