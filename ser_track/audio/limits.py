"""Which rates and channels are accepted: what a file or a sender announces must not make us allocate without bound."""

from typing import Final

from ser_track.errors import AudioError

MIN_RATE_HZ: Final = 4_000
"""Below this there is no speech, and each sample of a file becomes many at 16 kHz."""
MAX_RATE_HZ: Final = 768_000
"""The highest rate of audio hardware. The memory of the resampler's filter grows with the rate."""
MAX_CHANNELS: Final = 32
MAX_TRACKS: Final = 64
"""Audio tracks of one file: each one is a participant, with buffers and a voice detector's state."""


def require_usual(rate_hz: int, channels: int) -> None:
    """Accept ``rate_hz`` and ``channels`` as those of recorded speech.

    Raises:
        AudioError: they are not; nothing has been allocated for them.
    """
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        bounds = f"from {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
        raise AudioError(
            f"audio at {rate_hz} Hz cannot be analysed; correct its header, or convert it to a rate {bounds}"
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"audio with {channels} channels cannot be analysed; give at most {MAX_CHANNELS} channels")
