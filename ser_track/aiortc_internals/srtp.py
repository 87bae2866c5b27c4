"""Decrypts SRTP packets with aiortc's session, without the copies and checks that pylibsrtp adds to each packet.

`Session.unprotect` takes half as long again as libsrtp. So libsrtp is called directly, through private names;
if a release of pylibsrtp moves one, `tests/aiortc_internals/test_srtp.py` fails, and `Session.unprotect` does the work.
"""

import importlib
import threading
from collections.abc import Callable
from typing import Any, Final

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

_binding: Any
try:
    _binding = importlib.import_module("pylibsrtp._binding")
except ImportError:  # moved
    _binding = None

_CONTEXT: Final = "_srtp"
_MAX_BYTES: Final = 2048
"""Longer datagrams are not read from sockets either."""
Decrypt = Callable[[bytes], bytes | None]


class SharedSession:
    """An SRTP session that two threads share: aiortc's for RTCP and other addresses, the tick thread for packets."""

    def __init__(self, session: Any) -> None:
        self.lock = threading.Lock()
        """Hold it while calling `decrypt`, once for any number of packets."""
        self._session: Session = session
        self.decrypt: Decrypt = _direct(session) or self._decrypt
        """Return the RTP packet in an SRTP packet; ``None`` if it is forged, a duplicate, or too long."""

    def unprotect(self, packet: bytes) -> bytes:
        """See `Session.unprotect`."""
        with self.lock:
            decrypted: bytes = self._session.unprotect(packet)
            return decrypted

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """See `Session.unprotect_rtcp`."""
        with self.lock:
            decrypted: bytes = self._session.unprotect_rtcp(packet)
            return decrypted

    def _decrypt(self, packet: bytes) -> bytes | None:
        try:
            decrypted: bytes = self._session.unprotect(packet)
        except (SrtpError, ValueError):
            return None
        return decrypted


def missing_parts(session: Session) -> list[str]:
    """The private names of pylibsrtp that direct calls need and that are missing; empty if all are there."""
    lib, ffi = getattr(_binding, "lib", None), getattr(_binding, "ffi", None)
    wanted = ((_CONTEXT, session), ("srtp_unprotect", lib), ("new", ffi), ("buffer", ffi))
    return [name for name, holder in wanted if not hasattr(holder, name)]


def _direct(session: Session) -> Decrypt | None:
    """Decryption by libsrtp itself; ``None`` if pylibsrtp does not have what that needs."""
    if missing_parts(session):
        return None
    ffi, unprotect, context = _binding.ffi, _binding.lib.srtp_unprotect, getattr(session, _CONTEXT)
    data, length = ffi.new("char[]", _MAX_BYTES), ffi.new("int *")
    view = ffi.buffer(data)

    def decrypt(packet: bytes) -> bytes | None:
        size = len(packet)
        if size > _MAX_BYTES:
            return None
        view[0:size] = packet
        length[0] = size
        if unprotect(context[0], data, length):
            return None
        decrypted: bytes = view[0 : length[0]]
        return decrypted

    return decrypt
