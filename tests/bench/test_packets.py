"""What the callers of the benchmarks send."""

import numpy as np

from bench.caller import Caller, Sending
from bench.demand import demand_of, voiced_packets
from bench.packets import DTX_BYTES, FRAME_SAMPLES, FULLBAND, SILENCE_TURNS, WIDEBAND, levels, turn

_SILK_WIDEBAND_20_MS = 9
"""RFC 6716, table 2."""


def test_levels_are_those_of_rfc_6464() -> None:
    square = np.full(FRAME_SAMPLES, 32_767, np.int16)
    square[::2] = -32_768
    tenth = (square / 10).astype(np.int16)
    assert levels(np.concatenate([square, tenth, np.zeros(FRAME_SAMPLES, np.int16)])) == [0, 20, 127]


def test_wideband_packets_are_silk_alone_and_fullband_packets_are_not() -> None:
    wide, full = turn(WIDEBAND), turn(FULLBAND)
    assert {packet.payload[0] >> 3 for packet in wide} == {_SILK_WIDEBAND_20_MS}
    assert _SILK_WIDEBAND_20_MS not in {packet.payload[0] >> 3 for packet in full}
    assert [packet.level for packet in wide] == [packet.level for packet in full], "it is the same sound"


def test_a_silent_caller_sends_room_noise_and_with_dtx_almost_nothing() -> None:
    spoken = len(voiced_packets())
    noise, nothing = turn(WIDEBAND)[spoken:], turn(WIDEBAND, dtx=True)[spoken:]
    assert len(noise) == len(nothing) == SILENCE_TURNS * spoken
    assert {packet.level for packet in noise} == {60}
    assert {packet.level for packet in nothing} == {127}
    assert np.mean([len(packet.payload) <= DTX_BYTES for packet in nothing]) > 0.9


def test_no_microphone_is_digitally_silent() -> None:
    assert max(packet.level for packet in turn(WIDEBAND)) < 127


def test_an_ideal_receiver_decodes_everything_or_what_is_voiced_if_levels_tell_it() -> None:
    callers = [Caller("room", position=index * 90) for index in range(16)]
    everything, voiced = demand_of(callers, Sending()), demand_of(callers, Sending(levels=True))
    assert (everything.decoded_share, len(everything.decoded), everything.sent_share) == (1.0, 16, 1.0)
    spoken = voiced_packets()
    assert 0.5 < np.mean(spoken) < 1
    assert voiced.decoded_share == sum(spoken) / len(spoken) / (1 + SILENCE_TURNS)
    assert len(voiced.decoded) == 2, "one in eight speaks at a time"
    assert len(voiced.sent) == 16


def test_with_dtx_few_packets_are_sent_in_silence() -> None:
    callers = [Caller("room") for _ in range(8)]
    demand = demand_of(callers, Sending(dtx=True))
    assert 1 / 8 + 7 / 8 / 20 < demand.sent_share < 0.25
    assert demand.decoded_share == 1 / 8
