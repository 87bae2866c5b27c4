"""Detects a file's packet format by its first bytes, never by its name."""

from pathlib import PurePath
from typing import BinaryIO, Final

from ser_track.errors import AudioError
from ser_track.mediajson import dump
from ser_track.recordings.packets import mjr, rtpdump
from ser_track.recordings.packets.capture import Capture
from ser_track.recordings.packets.compression import compression, decompressed
from ser_track.recordings.packets.pcap import PCAP_MAGICS, PCAPNG_MAGIC
from ser_track.rtp.packet_reader import PacketReader

HEAD_BYTES: Final = 512
"""Bytes needed to recognise a format."""


def holds_packets(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a recording of packets."""
    magics = (mjr.MAGIC, *mjr.OLD_MAGICS, rtpdump.MAGIC, *PCAP_MAGICS, PCAPNG_MAGIC)
    return head.startswith(magics) or dump.is_dump(head)


def is_packets(file: BinaryIO) -> bool:
    """Whether ``file`` is a recording of packets, perhaps compressed.

    Raises:
        OSError: it cannot be read.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if compression(head) is not None:
        try:
            head = decompressed(file).read(HEAD_BYTES)
        except OSError:  # its content cannot be known
            head = b""
    file.seek(0)
    return holds_packets(head)


def open_dump(file: BinaryIO, path: PurePath) -> PacketReader:
    """The dump in ``file``, for which `is_packets` is true; ``path`` is its name.

    Raises:
        AudioError: it is not a recording of audio that can be decoded, or is damaged from the beginning.
    """
    file = decompressed(file)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    try:
        if head.startswith(mjr.OLD_MAGICS):
            raise AudioError("is an .mjr of an old Janus, without arrival times; convert it with janus-pp-rec")
        if head.startswith(mjr.MAGIC):
            return mjr.Mjr(file, path.stem)
        if head.startswith(rtpdump.MAGIC):
            return rtpdump.RtpDump(file)
        if dump.is_dump(head):
            return dump.MediaJsonDump(file)
        return Capture(file)
    except AudioError as error:
        raise AudioError(f"{path} {error}") from error
