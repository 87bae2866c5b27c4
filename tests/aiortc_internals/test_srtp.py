"""Contract with pylibsrtp: libsrtp can be called directly, and decrypts as the session itself does."""

import struct

import pytest
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from ser_track.aiortc_internals import srtp
from ser_track.aiortc_internals.srtp import SharedSession, missing_parts

KEY = bytes(range(30))


def receiving() -> Session:
    return Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))


@pytest.fixture
def packets() -> list[tuple[bytes, bytes]]:
    """RTP packets of one source, and what they are encrypted."""
    sender = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    plain = [struct.pack("!BBHII", 0x80, 96, n, 960 * n, 7) + bytes([n]) * (n + 1) for n in range(200)]
    return [(each, sender.protect(each)) for each in plain]


def test_libsrtp_is_where_it_is_looked_for() -> None:
    missing = missing_parts(receiving())
    assert not missing, f"pylibsrtp moved {missing}: update ser_track/aiortc_internals/srtp.py"


@pytest.mark.parametrize("direct", [True, False])
def test_packets_are_decrypted_and_others_are_not(
    packets: list[tuple[bytes, bytes]], direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not direct:
        monkeypatch.setattr(srtp, "_binding", None)
    shared = SharedSession(receiving())
    with shared.lock:
        assert [shared.decrypt(encrypted) for _, encrypted in packets] == [plain for plain, _ in packets]
        again, changed = packets[-1][1], packets[0][1][:-1] + b"x"
        assert [shared.decrypt(each) for each in (again, changed, b"", bytes(3000), b"\x80" * 13)] == [None] * 5


def test_both_ways_share_what_was_received(packets: list[tuple[bytes, bytes]]) -> None:
    shared = SharedSession(receiving())
    plain, encrypted = packets[0]
    assert shared.unprotect(encrypted) == plain
    with shared.lock:
        assert shared.decrypt(encrypted) is None
    with pytest.raises(SrtpError):
        shared.unprotect(encrypted)
