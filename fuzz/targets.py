"""The parsers that are fuzzed, by name. A new parser gets a line here, and a folder of seeds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzz import messages, packets, recordings

SEEDS: Final = Path(__file__).parent / "seeds"


@dataclass(frozen=True, slots=True)
class Target:
    """One parser."""

    run: Callable[[bytes], None]
    """Feeds it one input. Refusals are caught here; whatever else it raises is a fault."""
    words: tuple[bytes, ...] = ()
    """Pieces that mean something to it."""
    folder: str = ""
    """Where its seeds are, if not in the folder of its name."""

    def seeds(self, name: str) -> list[bytes]:
        """Small inputs, good ones and ones that once failed."""
        found = [path.read_bytes() for path in sorted((SEEDS / (self.folder or name)).iterdir())]
        assert found, f"there are no seeds for {name} in {SEEDS}"
        return found


TARGETS: Final = {
    "rtp": Target(packets.stream),
    "red": Target(packets.red),
    "stun": Target(packets.hand_over),
    "sdp": Target(messages.offer, messages.SDP_WORDS),
    "mediajson": Target(messages.mediajson, messages.JSON_WORDS),
    "body": Target(messages.body, (*messages.JSON_WORDS, *messages.TYPE_WORDS)),
    "channel": Target(messages.channel, messages.JSON_WORDS),
    "mjr": Target(recordings.read),
    "rtpdump": Target(recordings.read),
    "pcap": Target(recordings.read),
    "mediajson_dump": Target(recordings.read, messages.JSON_WORDS),
    "container": Target(recordings.read),
}
