"""One participant of recorded packets: the stream that decodes them, and where its first sample lies."""

from collections.abc import Iterable, Iterator
from typing import Final

from ser_track.audio.mixing import ChannelMixer
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, ParticipantChunk
from ser_track.recordings.packets.find_senders import Sender
from ser_track.recordings.packets.payload_types import HEARD
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.packet_reader import Recorded, RecordedPacket
from ser_track.rtp.red import unpack
from ser_track.rtp.telephone_stream import TelephoneStream

_SEAM: Final = SAMPLE_RATE_HZ // 10


class Line:
    """Decodes one sender's packets. A new codec is a new stream, whose place the time of arrival gives."""

    def __init__(self, participant: str, sender: Sender, origin_s: float, channel: int | None = None) -> None:
        """``origin_s`` is the time of day of the recording's beginning; of stereo, ``channel`` is heard alone."""
        self.participant = participant
        self.now_s = 0.0
        """When its latest packet arrived."""
        self._sender = sender
        self._codec = ""
        self._stream: OpusStream | TelephoneStream | None = None
        self._channel = channel
        self._mixers: list[ChannelMixer] = []
        self._timestamp = 0
        """Of the latest packet with audio."""
        self._offset = _on_the_grid(sender.first_s - origin_s)
        self._end = 0

    @property
    def waiting(self) -> bool:
        """Whether packets are held."""
        return self._stream is not None and self._stream.waiting

    @property
    def remark(self) -> str | None:
        """What makes the mix of stereo poor; continues a sentence after the file's name."""
        remarks = (mixer.remark(self.participant, SAMPLE_RATE_HZ) for mixer in self._mixers)
        return next((remark for remark in remarks if remark is not None), None)

    def put(self, recorded: Recorded) -> Iterator[ParticipantChunk]:
        """Take in a packet; audio that needs no packet path is returned at once."""
        if not isinstance(recorded, RecordedPacket):
            yield from self._shifted([recorded.chunk])
            return
        kind = recorded.payload_type
        content = self._sender.contents[kind]
        arrival = recorded.arrival._replace(now=self.now_s)
        if content not in HEARD:
            self._put_for_the_order(arrival)
            return
        if (codec := "opus" if content == "red" else content) != self._codec:
            yield from self._change(codec)
        for each in unpack(arrival, self._sender.audio_type(kind)) if content == "red" else (arrival,):
            if each.payload or content != "red":
                self._put(each)
            else:
                self._put_for_the_order(each)

    def take(self, now_s: float) -> Iterator[ParticipantChunk]:
        """Yield the chunks that are due."""
        if self._stream is not None:
            yield from self._shifted(self._stream.take(now_s))

    def flush(self) -> Iterator[ParticipantChunk]:
        """Yield everything that is still held."""
        if self._stream is not None:
            yield from self._shifted(self._stream.flush())

    def _put(self, arrival: Arrival) -> None:
        assert self._stream is not None
        self._stream.put(arrival)
        if not arrival.redundant:
            self._timestamp = arrival.timestamp

    def _put_for_the_order(self, arrival: Arrival) -> None:
        """Comfort noise, keys of a telephone: without them, packets would seem to be lost. Their clock may differ."""
        if self._stream is not None:
            self._stream.put(arrival._replace(payload=b"", timestamp=self._timestamp))

    def _change(self, codec: str) -> Iterator[ParticipantChunk]:
        yield from self.flush()
        if self._stream is None:
            self._offset = _on_the_grid(self.now_s)
        else:
            arrived = round(self.now_s * SAMPLE_RATE_HZ)
            self._offset = self._end if arrived - self._end <= _SEAM else arrived  # else the difference is jitter
        self._codec = codec
        if codec == "opus":
            stream = OpusStream(channel=self._channel)
            self._mixers.append(stream.mixer)
            self._stream = stream
        else:
            self._stream = TelephoneStream(codec)

    def _shifted(self, heard: Iterable[Chunk]) -> Iterator[ParticipantChunk]:
        """Shift the chunks to the recording's time."""
        for chunk in heard:
            at, samples = self._offset + chunk.at, chunk.samples
            if not len(samples) or at + len(samples) > 0:
                shifted = Chunk(max(0, at), samples[max(0, -at) :])
                self._end = max(self._end, shifted.end)
                yield ParticipantChunk(self.participant, shifted)


def _on_the_grid(begin_s: float) -> int:
    """By whole windows, so that the voice detector cuts the stream at the same places as in the call."""
    return round(begin_s * SAMPLE_RATE_HZ / WINDOW_SAMPLES) * WINDOW_SAMPLES
