"""What a page shows and plays of a recording's sound, taken in piece by piece while the recording is analysed."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.output.documents.html.peaks import Peaks
from ser_track.output.documents.html.webm_audio import MAX_S, Mix, bit_rate_bps, encode_webm

_MAX_POINTS: Final = 8192
_MIN_POINTS: Final = 512
_POINTS_OF_ALL: Final = 32_768
"""What a page may carry of waveforms, so that it opens at once however many people there are."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The waveform of each participant, and what can be heard of all; nothing of either where nobody listened."""

    duration_s: float = 0.0
    bucket_s: float = 1.0
    peaks: dict[str, FloatArray] = field(default_factory=dict)
    """Of each participant ``[n]``: the largest magnitude within ``bucket_s`` seconds, from 0 on."""
    webm: bytes | None = None
    too_long: bool = False
    """Whether the sound was asked for and left out, as it would make the page unusable."""


class SoundRecorder:
    """Takes in every participant's samples; keeps the sound itself only if told to."""

    def __init__(self, participants: Sequence[str], keep: bool) -> None:
        """``keep``: the sound of all, mixed, goes into the page."""
        points = min(_MAX_POINTS, max(_MIN_POINTS, _POINTS_OF_ALL // max(1, len(participants))))
        self._peaks = {participant: Peaks(points) for participant in participants}
        self._keep = keep
        self._closing = ExitStack()
        self._mix = self._closing.enter_context(Mix()) if keep else None
        self._end = 0

    def add(self, participant: str, at: int, samples: FloatArray) -> None:
        """``samples`` ``[n]`` at 16 kHz of ``participant``, the first at index ``at``."""
        self._peaks[participant].add(at, samples)
        self._end = max(self._end, at + len(samples))
        if self._mix is None:
            return
        if self._end > MAX_S * SAMPLE_RATE_HZ:
            self._closing.close()
            self._mix = None
        else:
            self._mix.add(at, samples)

    def finish(self) -> Sound:
        """What came of all that was taken in."""
        duration_s = self._end / SAMPLE_RATE_HZ
        coarsest = max((peaks.bucket_samples for peaks in self._peaks.values()), default=SAMPLE_RATE_HZ)
        for peaks in self._peaks.values():
            while peaks.bucket_samples < coarsest:
                peaks.double()
        values = {participant: peaks.values for participant, peaks in self._peaks.items()}
        return Sound(
            duration_s, coarsest / SAMPLE_RATE_HZ, values, self._webm(duration_s), self._keep and not self._mix
        )

    def _webm(self, duration_s: float) -> bytes | None:
        if self._mix is None or not self._mix.samples:
            return None
        return encode_webm(self._mix.blocks(), bit_rate_bps(duration_s))

    def close(self) -> None:
        """Forget the sound."""
        self._closing.close()
