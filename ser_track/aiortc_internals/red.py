"""Accepts RED (RFC 2198) in offers: aiortc does not know it, but only has to pass its packets on.

A sender that puts RED before Opus in its offer, as pages do with `setCodecPreferences`, then repeats each packet in the
next ones. Chromium offers RED after Opus, so it goes on to send plain Opus unless its page wants RED.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiortc import RTCRtpCodecParameters, RTCRtpTransceiver
from aiortc.sdp import MediaDescription, SessionDescription

from ser_track.rtp.header import RTP_CLOCK_HZ

log = logging.getLogger(__name__)
_CODECS: Final = "_codecs"
_RED: Final = "red"


def accept_red(transceiver: RTCRtpTransceiver, offer: str) -> None:
    """Take RED with Opus inside from ``offer`` into what our answer will accept, in the offer's order.

    Call it after `setRemoteDescription`, and before `createAnswer`, for a receiver whose packets are taken.
    """
    agreed = getattr(transceiver, _CODECS, None)
    if not isinstance(agreed, list):
        log.warning("this aiortc has no %s: redundant audio (RED) is not negotiated", _CODECS)
        return
    sections = [media for media in SessionDescription.parse(offer).media if media.rtp.muxId == transceiver.mid]
    by_type = {codec.payloadType: codec for codec in agreed}
    ordered = list[RTCRtpCodecParameters]()
    for offered in _in_order(sections[0]) if sections else ():
        if _is_red(offered) and _opus_type(offered, by_type) is not None:
            ordered.append(offered)
        elif offered.payloadType in by_type:
            ordered.append(by_type[offered.payloadType])
    agreed[:] = [*ordered, *(codec for codec in agreed if codec not in ordered)]


def _in_order(section: MediaDescription) -> list[RTCRtpCodecParameters]:
    """The codecs as the offer prefers them: aiortc's parser keeps the order of their descriptions."""
    place = {int(kind): number for number, kind in enumerate(section.fmt)}
    return sorted(section.rtp.codecs, key=lambda codec: place.get(codec.payloadType or 0, len(place)))


def is_opus(codecs: Mapping[int, Any], payload_type: int) -> bool:
    """Whether a receiver's ``codecs``, by payload type, have Opus with this number."""
    codec = codecs.get(payload_type)
    return codec is not None and codec.name.lower() == "opus"


def opus_inside(codecs: Mapping[int, Any], payload_type: int) -> int | None:
    """Return the payload type of Opus inside of RED with this number; ``None`` if the number is not RED's."""
    codec = codecs.get(payload_type)
    return _opus_type(codec, codecs) if codec is not None and codec.name.lower() == _RED else None


def _is_red(codec: RTCRtpCodecParameters) -> bool:
    return codec.name.lower() == _RED and codec.clockRate == RTP_CLOCK_HZ


def _opus_type(red: RTCRtpCodecParameters, codecs: Mapping[int, Any]) -> int | None:
    """The payload type that RED's parameters name, such as ``111/111``, if it is Opus."""
    named = next(iter(red.parameters), "").partition("/")[0]
    inside = int(named) if named.isdecimal() else -1
    return inside if is_opus(codecs, inside) else None
