"""Counts of what became of Opus packets, and of the time that they stand for."""

from dataclasses import dataclass


@dataclass(slots=True)
class PacketCounts:
    """Counts packets of one or many senders by outcome; fields named ``samples`` are at 16 kHz."""

    received: int = 0
    duplicates: int = 0
    late: int = 0
    """Arrived after they were given up, or belong to no known source."""
    lost: int = 0
    """Given up, or replaced by a copy."""
    broken: int = 0
    """Not Opus: concealed."""
    recovered: int = 0
    """Lost, but carried by a packet after them: as Opus's error correction, or as a copy (RED)."""
    concealed_samples: int = 0
    missing_samples: int = 0
    """Lost, and too long to be concealed, or where nothing was decoded."""
    silent_samples: int = 0
    """Silence: the sender marked it, or sent nothing (DTX)."""
    undecoded_samples: int = 0
    """So quiet by the sender's levels (RFC 6464) that they were not decoded."""
    samples: int = 0
    """All samples that were decoded or concealed."""
    wrong_levels: int = 0
    """How often a sender's levels were found to be much lower than its audio, and were no longer trusted."""
