"""Finds out what the packets of one payload type of one sender are."""

from typing import Final

from ser_track.recordings.packets.opus_detection import OpusDetection
from ser_track.recordings.packets.payload_types import (
    COMFORT_NOISE,
    HEARD,
    TELEPHONE,
    Content,
    is_audio,
    is_dynamic,
    is_video,
)
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_packet import is_stereo
from ser_track.rtp.red import MORE, carries_opus, read_red

_ENOUGH_AGREE: Final = 0.8
_FEWEST: Final = 4
_KEY_BYTES: Final = 4
_NOISE_BYTES: Final = 12
_QUIET: Final = {"pcmu": (b"\x7f", b"\xff", b"\x7e", b"\xfe"), "pcma": (b"\x55", b"\xd5", b"\x54", b"\xd4")}
_QUIET_MORE_OFTEN: Final = 20
_MAX_STEP: Final = 1_600
"""At 8 kHz: a longer step is silence that was not sent."""


class PayloadDetection:
    """Give it the packets in their order with `note`, then ask for the `content`."""

    def __init__(self, first_s: float, named: str | None) -> None:
        """``first_s`` is the time of day of the first packet, ``named`` the codec that the file names for them all."""
        self.first_s = first_s
        self.named = named
        self.count = 0
        self.longest_bytes = 0
        self.opus = OpusDetection()
        self.inside = OpusDetection()
        """Of the packets' own audio, if they are RED."""
        self.stereo = self.stereo_inside = False
        """Whether some packets, if they are Opus, have two channels; the same of the audio inside of RED."""
        self.audio_type: int | None = None
        """Payload type of the audio inside of RED."""
        self._red = self._copies = self._keys = 0
        self._compared = self._exact = 0
        self._quiet = {"pcmu": 0, "pcma": 0}
        """Bytes that mean almost nothing in each law of G.711."""
        self._last: Arrival | None = None

    def note(self, arrival: Arrival) -> None:
        """Take in one packet."""
        self.count += 1
        self.longest_bytes = max(self.longest_bytes, len(arrival.payload))
        self.opus.note(arrival)
        self._keys += len(arrival.payload) == _KEY_BYTES and not arrival.payload[1] & 0x40  # RFC 4733, 2.3
        self._note_length(arrival)
        if arrival.payload and (arrival.payload[0] & MORE or arrival.payload[0] == self.audio_type):
            self._note_red(arrival)

    def content(self, told: int | None, number: int) -> Content:
        """Return what the packets with payload type ``number`` are; the user has ``told`` which one is Opus, or not."""
        named = self.named
        if number in COMFORT_NOISE or self._are_keys(number) or (named is not None and self._is_noise):
            return "nothing heard"
        if self._is_red or named == "red":
            return "red"
        if number == told:
            return "other" if self.opus.looks_encrypted else "opus"
        if number in TELEPHONE:
            return self._law(TELEPHONE[number]) if self._is_telephone else "other"
        if named is not None and not is_audio(number):
            return HEARD.get(named, "other")
        if told is None and is_dynamic(number) and self.opus.verdict == "opus":
            return "opus"
        return "video" if is_video(number) or not (is_audio(number) or self.opus.keeps_time_of_audio) else "other"

    @property
    def enough(self) -> bool:
        """Whether there were enough packets to know; others could be anything that looks like RTP."""
        return self._compared >= _FEWEST or self.opus.verdict != "unknown"

    @property
    def _is_red(self) -> bool:
        return self._copies >= _FEWEST and self._red >= _ENOUGH_AGREE * self.count and self.inside.verdict != "other"

    @property
    def _is_telephone(self) -> bool:
        return self._exact >= _ENOUGH_AGREE * self._compared

    @property
    def _is_noise(self) -> bool:
        """Whether it is comfort noise with a dynamic number."""
        return self.longest_bytes <= _NOISE_BYTES and self.opus.verdict != "opus"

    def _are_keys(self, number: int) -> bool:
        return self._keys == self.count > 0 and is_dynamic(number) and self.opus.verdict != "opus"

    def _note_red(self, arrival: Arrival) -> None:
        if (blocks := read_red(arrival.payload)) is None:
            return
        copies = carries_opus(blocks)
        if copies and self.audio_type is None:
            self.audio_type = blocks[-1].payload_type
        if copies or blocks[-1].payload_type == self.audio_type:
            self._red += 1
            self._copies += copies
            self.inside.note(arrival._replace(payload=blocks[-1].payload))
            self.stereo_inside |= is_stereo(blocks[-1].payload)

    def _note_length(self, arrival: Arrival) -> None:
        """G.711 and G.722 have a byte for each tick of their clock; encryption adds bytes."""
        last, self._last = self._last, arrival
        if last is None or arrival.sequence != (last.sequence + 1) & 0xFFFF:
            return
        step = (arrival.timestamp - last.timestamp) & 0xFFFFFFFF
        if 0 < step <= _MAX_STEP and last.payload:
            self._compared += 1
            if step == len(last.payload):
                self._exact += 1
                for law, quiet in _QUIET.items():
                    self._quiet[law] += sum(map(last.payload.count, quiet))

    def _law(self, numbered: Content) -> Content:
        """The law that the packets follow: some gateways mix up the two, and only one of them makes pauses quiet."""
        few, many = sorted(self._quiet, key=self._quiet.__getitem__)
        sure = self._quiet[many] > _QUIET_MORE_OFTEN * self._quiet[few] + self._exact
        return HEARD[many] if numbered in self._quiet and sure else numbered
