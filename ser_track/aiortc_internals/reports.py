"""Receiver reports less often than aiortc sends them: every 2.5 s, not every second.

RFC 3550, 6.2, recommends at least 5 s; senders learn of loss by these reports, so it is half of that. With hundreds of
connections, reports are a third of what the event loop does. If a release of aiortc moves one of the names here,
`tests/aiortc_internals/test_reports.py` fails, and aiortc sends its own.
"""

import asyncio
import logging
import random
import time
from functools import partial
from typing import Any, Final

from aiortc import RTCRtpReceiver
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

log = logging.getLogger(__name__)
_INTERVAL_S: Final = 2.5
_RUN: Final = "_run_rtcp"
_SEND: Final = "_send_rtcp"
_STREAMS: Final = "_RTCRtpReceiver__remote_streams"
_SENT: Final = "_RTCRtpReceiver__lsr"
_SENT_TIME: Final = "_RTCRtpReceiver__lsr_time"
_OWN: Final = "_RTCRtpReceiver__rtcp_ssrc"
_STARTED: Final = "_RTCRtpReceiver__rtcp_started"
_EXITED: Final = "_RTCRtpReceiver__rtcp_exited"


def missing_parts(receiver: RTCRtpReceiver) -> list[str]:
    """The private names of aiortc that this module needs and cannot find; empty if all are there."""
    names = (_RUN, _SEND, _STREAMS, _SENT, _SENT_TIME, _OWN, _STARTED, _EXITED)
    return [name for name in names if not hasattr(receiver, name)]


def report_less_often(receiver: RTCRtpReceiver) -> None:
    """Send the reports of a receiver that has not started yet in this module's interval."""
    if missing := missing_parts(receiver):
        log.warning("this aiortc has no %s: it sends receiver reports every second", ", ".join(missing))
        return
    setattr(receiver, _RUN, partial(_report, receiver))


async def _report(receiver: RTCRtpReceiver) -> None:
    getattr(receiver, _STARTED).set()
    try:
        while True:
            await asyncio.sleep(_INTERVAL_S * (0.5 + random.random()))  # RFC 3550, 6.2: never all at once
            reports = [_info(receiver, ssrc, stream) for ssrc, stream in getattr(receiver, _STREAMS).items()]
            if (own := getattr(receiver, _OWN)) is not None and reports:
                await getattr(receiver, _SEND)(RtcpRrPacket(ssrc=own, reports=reports))
    except asyncio.CancelledError:  # how aiortc stops it; it waits for the next line
        pass
    finally:
        getattr(receiver, _EXITED).set()


def _info(receiver: RTCRtpReceiver, ssrc: int, stream: Any) -> RtcpReceiverInfo:
    """One source (RFC 3550, 6.4.1), with the age of the sender's own report, which gives it the round trip time."""
    sent = getattr(receiver, _SENT).get(ssrc, 0)
    age_s = time.time() - getattr(receiver, _SENT_TIME)[ssrc] if sent else 0.0
    return RtcpReceiverInfo(
        ssrc=ssrc,
        fraction_lost=stream.fraction_lost,
        packets_lost=stream.packets_lost,
        highest_sequence=stream.max_seq,
        jitter=stream.jitter,
        lsr=sent,
        dlsr=int(age_s * 65536) if 0 < age_s < 65536 else 0,
    )
