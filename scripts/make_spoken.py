"""Makes the recordings under tests/data: `uv run python scripts/make_spoken.py` (needs `espeak-ng`).

The two voices are synthetic, so that the repository does not contain anyone's voice. The recordings are stored; make
them again only to change them, because another release of espeak-ng speaks differently. Then run
scripts/make_golden.py.
"""

import io
import subprocess
import wave
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from ser_track.audio.pcm import to_float
from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray

DATA: Final = Path(__file__).parents[1] / "tests" / "data"
_ADA, _BOB = ("en-gb+f2", "155"), ("en-us", "150")
_PEAK: Final = 0.5
_BOB_JOINS_S: Final = 2.0
"""The start of Bob's track; until then only Ada speaks."""
_SCRIPT: Final = (
    # Speaker, sentence, pause after it in seconds: a pause longer than end_silence_s ends the segment.
    (_ADA, "Good morning. I have been looking forward to this.", 0.3),
    (_ADA, "Shall we begin?", 0.9),
    (_BOB, "Yes.", 1.1),
    (_BOB, "We waited for an hour, and nobody told us anything.", 0.25),
    (_BOB, "That is not good enough.", 0.8),
    (_ADA, "You are right, and I am sorry.", 0.2),
)


def speak(voice: tuple[str, str], sentence: str) -> FloatArray:
    """``sentence`` as float32 ``[n]`` at 16 kHz, without silence around, its peak at -6 dBFS."""
    name, words_per_minute = voice
    command = ["espeak-ng", "-v", name, "-s", words_per_minute, "--stdout", sentence]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate_hz = file.getframerate()
        # A pipe has no length in its header, so the header's count of frames means nothing.
        pcm = np.frombuffer(file.readframes(len(spoken) // 2), "<i2")
    resampler = Resampler(rate_hz)
    samples = np.concatenate([resampler.push(to_float(pcm)), resampler.flush()])
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[loud[0] : loud[-1] + 1]
    return np.asarray(samples * (_PEAK / np.abs(samples).max()), np.float32)


def conversation() -> dict[tuple[str, str], NDArray[np.int16]]:
    """The script, each voice on its own track ``[n]`` of the same length."""
    begin = np.zeros(SAMPLE_RATE_HZ // 4, np.float32)
    pieces: dict[tuple[str, str], list[FloatArray]] = {_ADA: [begin], _BOB: [begin]}
    for speaker, sentence, pause_s in _SCRIPT:
        said = speak(speaker, sentence)
        said = np.concatenate([said, np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32)])
        for voice, track in pieces.items():
            track.append(said if voice == speaker else np.zeros_like(said))
    return {voice: (np.concatenate(track) * 32_767).astype(np.int16) for voice, track in pieces.items()}


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """``samples`` ``[n]`` at 16 kHz as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.tobytes())


def write_two_tracks(path: Path, ada: NDArray[np.int16], bob: NDArray[np.int16]) -> None:
    """One Opus track per voice, titled; Bob's begins later, as if he joined then."""
    joined = round(_BOB_JOINS_S * SAMPLE_RATE_HZ)
    with av.open(str(path), "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        tracks = []
        for title, samples, start in (("Ada", ada, 0), ("Bob", bob[joined:], joined)):
            stream = container.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="mono", options={"b": "24k"})
            stream.metadata["title"] = title
            tracks.append((stream, samples, start))
        # Second by second, as a recorder interleaves them.
        for begin in range(0, len(ada), SAMPLE_RATE_HZ):
            for stream, samples, start in tracks:
                inside = slice(max(0, begin - start), max(0, begin - start + SAMPLE_RATE_HZ))
                if not len(samples[inside]):
                    continue
                frame = av.AudioFrame.from_ndarray(samples[inside][None], format="s16", layout="mono")
                frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start + inside.start
                container.mux(stream.encode(frame))
        for stream, _, _ in tracks:
            container.mux(stream.encode(None))


def main() -> None:
    """Make both recordings."""
    tracks = conversation()
    write_wav(DATA / "spoken.wav", tracks[_ADA] + tracks[_BOB])
    write_two_tracks(DATA / "spoken_two_tracks.mka", tracks[_ADA], tracks[_BOB])


if __name__ == "__main__":
    main()
