"""Opus is known by its time: real Opus is, what is encrypted or another codec is not."""

import numpy as np
import pytest

from ser_track.recordings.packets.opus_detection import OpusDetection
from ser_track.rtp.header import Arrival, read_header, read_packet
from tests.helpers.packets import Sent, noise, rtp, voice


def trial(sent: list[Sent]) -> OpusDetection:
    trial = OpusDetection()
    for at_s, packet in sent:
        header = read_header(packet)
        assert header is not None
        trial.note(read_packet(header, packet, None, at_s))
    return trial


def test_a_voice_in_opus_is_opus_with_loss_and_duplicates_too() -> None:
    assert trial(voice(200)).verdict == "opus"
    lossy = [sent for number, sent in enumerate(voice(300)) if number % 3]
    assert trial(lossy).verdict == "opus"
    assert trial([sent for sent in voice(50) for _ in range(2)]).verdict == "opus"


def test_a_few_packets_say_nothing() -> None:
    assert trial(voice(4)).verdict == "unknown"
    assert trial([]).verdict == "unknown"
    assert not trial([]).keeps_time_of_opus


def test_what_is_encrypted_is_no_opus_but_keeps_its_time() -> None:
    encrypted = trial(noise(500))
    assert encrypted.verdict == "other"
    assert encrypted.keeps_time_of_opus


@pytest.mark.parametrize(("clock", "every_s"), [(160, 0.02), (3_000, 1 / 30)])
def test_telephony_and_video_do_not_keep_its_time(clock: int, every_s: float) -> None:
    dice = np.random.default_rng(2)
    other = trial([Sent(every_s * n, rtp(n, dice.bytes(100), clock=clock)) for n in range(100)])
    assert other.verdict == "other"
    assert not other.keeps_time_of_opus


def test_times_that_stand_still_are_no_obstacle() -> None:
    trial = OpusDetection()
    for number in range(20):
        trial.note(Arrival(1, number, 960, b"\x78", 5.0))
    assert trial.verdict == "unknown"
