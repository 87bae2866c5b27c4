"""Samples in memory as a source."""

from collections.abc import Iterator, Mapping

from ser_track.audio.resample import Resampler
from ser_track.chunk import Chunk, FloatArray, ParticipantChunk


class ArraySource:
    """One participant for each entry of ``voices``, on one time axis."""

    def __init__(self, voices: Mapping[str, FloatArray], rate_hz: int) -> None:
        """``voices`` are finite mono ``[n]`` in -1 … 1 by name; they may differ in length."""
        self._voices = dict(voices)
        self._rate_hz = rate_hz

    @property
    def participants(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._voices)

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Chunks of one second, alternating between participants."""
        resamplers = {name: Resampler(self._rate_hz) for name in self._voices}
        ends = dict.fromkeys(self._voices, 0)
        longest = max(map(len, self._voices.values()), default=0)
        for begin in range(0, longest, self._rate_hz):
            for name, samples in self._voices.items():
                resampled = resamplers[name].push(samples[begin : begin + self._rate_hz])
                yield ParticipantChunk(name, Chunk(ends[name], resampled))
                ends[name] += len(resampled)
        for name, resampler in resamplers.items():
            yield ParticipantChunk(name, Chunk(ends[name], resampler.flush()))
