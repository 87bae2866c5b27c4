"""One piece of code turns MediaJson's media into packets or samples, for live bridges and for dumps."""

import numpy as np
import pytest

from ser_track.chunk import Chunk
from ser_track.errors import AudioError
from ser_track.mediajson.frames import Media, SourceStarted
from ser_track.mediajson.source import MediaSource, encode_decoded
from ser_track.rtp.header import Arrival
from tests.helpers.packets import opus, red_payload
from tests.helpers.signals import noise

KEPT = SourceStarted("a-1", "a", "l24", 16_000, 1, media_time=True)


def test_opus_is_numbered_as_rtp_numbers_it_at_48_khz() -> None:
    source = MediaSource(SourceStarted("a-1", "a", "opus", 16_000, 1), 7)
    assert list(source.read(Media("a-1", 2**16 + 5, 2**32 + 320, b"\xf8", None), 1.5)) == [
        Arrival(7, 5, 960, b"\xf8", 1.5)
    ]
    assert list(source.read(Media("a-1", 6, 640, b"\xf8", 127), 1.6)) == [Arrival(7, 6, 1920, b"\xf8", 1.6, 127)]


def test_pcm_is_samples_and_a_packet_that_is_missing_is_a_gap() -> None:
    source = MediaSource(SourceStarted("a-1", "a", "l16", 16_000, 1), 0)
    payload = (noise(320) * 32_767).astype(">i2").tobytes()
    # Senders fill in timestamps by units of their own; numbers are reliable.
    found = [each for n in (0, 1, 3) for each in source.read(Media("a-1", n, 20 * n, payload, None), 0.0)]
    assert [each.at for each in found if isinstance(each, Chunk)] == [0, 320, 960]


def test_what_our_own_recordings_keep_decoded_is_at_its_media_time() -> None:
    chunk = Chunk(12_345, np.array([0.5, -0.25], np.float32))
    (read,) = MediaSource(KEPT, 0).read(Media("a-1", 0, 12_345, encode_decoded(chunk), None), 0.0)
    assert isinstance(read, Chunk)
    assert read.at == 12_345
    assert np.array_equal(read.samples, chunk.samples)


@pytest.mark.parametrize(("timestamp", "payload"), [(0, b"\0"), (1 << 40, b"\0\0"), (-(1 << 40), b"\0\0")])
def test_damage_of_what_was_kept_decoded_is_told(timestamp: int, payload: bytes) -> None:
    with pytest.raises(AudioError, match="damaged"):
        list(MediaSource(KEPT, 0).read(Media("a-1", 0, timestamp, payload, None), 0.0))


def test_an_encoding_that_is_not_known_is_refused() -> None:
    with pytest.raises(AudioError, match=r"'g729'.*opus"):
        MediaSource(SourceStarted("a-1", "a", "g729", 8_000, 1), 0)


@pytest.mark.parametrize("encoding", ["l16", "pcm16", "pcmu", "pcma", "g722", "l24"])
@pytest.mark.parametrize("bad", [b"", b"\1"])
def test_after_a_packet_that_cannot_be_decoded_the_next_one_is_heard(encoding: str, bad: bytes) -> None:
    source = MediaSource(SourceStarted("a-1", "a", encoding, 8_000, 1), 0)
    begins = list[int]()
    for number in range(50):
        payload = bad if number in (10, 11, 30) else bytes(480)
        try:
            begins += [each.at for each in source.read(Media("a-1", number, 0, payload, None), 0.0)]  # type: ignore[union-attr]
        except AudioError:
            assert payload == bad
    assert len(begins) >= 46
    assert begins == sorted(begins)


def test_red_is_opus_with_its_copies() -> None:
    source = MediaSource(SourceStarted("a-1", "a", "red", 48_000, 2), 7)
    found = list(source.read(Media("a-1", 5, 4_800, red_payload(5, 2), None), 1.5))
    assert found == [
        Arrival(7, 5, 4_800, opus()[5], 1.5),
        Arrival(7, 5, 2_880, opus()[3], 1.5, redundant=True),
        Arrival(7, 5, 3_840, opus()[4], 1.5, redundant=True),
    ]


def test_red_that_is_announced_as_opus_is_unpacked_too() -> None:
    source = MediaSource(SourceStarted("a-1", "a", "opus", 48_000, 2), 7)
    found = [
        each
        for number in range(20)
        for each in source.read(Media("a-1", number, number * 960, red_payload(number), None), 0.02 * number)
    ]
    own = [each.payload for each in found if isinstance(each, Arrival) and not each.redundant]
    assert own[1:] == list(opus()[1:20])
