"""Channels to mono, also where the channels cancel each other."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCK_SAMPLES: Final = 1024
"""How often it is decided which channels are heard, on a fixed grid, so that pieces of any size give the same."""
_FORGETTING: Final = 0.9
"""How much each block leaves of the sums before it."""
_CANCELLED: Final = 0.3
"""Share of what one channel alone would leave in the average: with less, the channels cancel each other."""
_AUDIBLE: Final = 1e-7
"""Mean square of a channel, -70 dBFS: below it there is nothing to decide."""
_SPOKEN: Final = 1e-6
"""Mean square, -60 dBFS: below it nobody speaks."""
_APART: Final = 16.0
"""While only its own person speaks, one channel is louder than the other by this ratio of power, 12 dB."""
_LEAST_ALONE_S: Final = 2.0
_LEAST_SHARE: Final = 0.05
"""For this long, and this share of the time, each channel must be heard alone."""
_LEAST_CANCELLED_S: Final = 1.0


class ChannelMixer:
    """Mixes one stream's channels to mono: their average, so a voice on all channels keeps its level.

    In the average, channels of opposite polarity (a cable with swapped wires, a "wide" stereo effect) cancel each
    other, voices included. Where they do, the louder one is heard alone.
    """

    def __init__(self) -> None:
        self.cancelled_samples = 0
        """Samples for which one channel was heard alone, because it cancels another."""
        self._spoken_alone = np.zeros(2)
        """Samples for which only the one or only the other of two channels had a voice."""
        self._alone: int | None = None
        """The channel that is heard alone, if any."""
        self._inside = 0
        """Samples in the open block."""
        self._block: NDArray[np.float64] = np.zeros(0)
        self._sums = self._block
        """Sums of squares of the channels, and of their average: in the open block, and before it."""

    def mix(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono ``[n]`` of ``frames`` ``[n, channels]``; their number may change from piece to piece."""
        mono = average_channels(frames)
        if frames.shape[1] == 1:
            return mono
        if len(self._block) != frames.shape[1] + 1:
            self._alone, self._inside = None, 0
            self._block, self._sums = np.zeros((2, frames.shape[1] + 1))
        at = 0
        while at < len(mono):
            end = min(len(mono), at + _BLOCK_SAMPLES - self._inside)
            channels, average = frames[at:end], mono[at:end]
            self._block[:-1] += np.einsum("nc,nc->c", channels, channels)
            self._block[-1] += np.dot(average, average)
            if self._alone is not None:
                mono[at:end] = channels[:, self._alone]
                self.cancelled_samples += end - at
            self._inside += end - at
            if self._inside == _BLOCK_SAMPLES:
                self._decide()
            at = end
        return mono

    def remark(self, track: str, rate_hz: int) -> str | None:
        """What makes the mix of ``track`` poor, and the remedy; continues a sentence after the file's name."""
        if self.cancelled_samples > _LEAST_CANCELLED_S * rate_hz:
            return (
                f"has channels in '{track}' that cancel each other when mixed (opposite polarity), so only the louder "
                "one was heard; --channels split hears both"
            )
        if self._spoken_alone.min() >= max(_LEAST_ALONE_S * rate_hz, _LEAST_SHARE * self._spoken_alone.sum()):
            return (
                f"has different voices on the two channels of '{track}', mixed into one participant; --channels split "
                "makes each channel a participant"
            )
        return None

    def _decide(self) -> None:
        """Note who spoke in this block, and decide how the next one is mixed."""
        if len(self._block) == 3 and (power := self._block[:-1] / _BLOCK_SAMPLES).max() > _SPOKEN:
            self._spoken_alone += _BLOCK_SAMPLES * (power > _APART * power[::-1])
        self._sums = _FORGETTING * self._sums + (1 - _FORGETTING) * self._block / _BLOCK_SAMPLES
        self._block, self._inside = np.zeros_like(self._sums), 0
        channels, average = self._sums[:-1], self._sums[-1]
        loudest = int(channels.argmax())
        if channels[loudest] > _AUDIBLE:
            cancelled = bool(average < _CANCELLED * channels[loudest] / len(channels) ** 2)
            # Not the louder one of each moment: two microphones differ, and changing between them clicks.
            self._alone = (loudest if self._alone is None else self._alone) if cancelled else None


def average_channels(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mono ``[n]`` of ``[n, channels]``: the average, so a voice on both channels keeps its level."""
    if frames.shape[1] == 1:
        return frames[:, 0]
    # Channel by channel: numpy's mean over an axis of two costs four times as much.
    mono = frames[:, 0] + frames[:, 1]
    for channel in range(2, frames.shape[1]):
        mono += frames[:, channel]
    mono *= np.float32(1 / frames.shape[1])
    return mono
