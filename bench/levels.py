"""What is decoded, missed and misjudged if audio levels decide what is decoded: `python -m bench.levels --clips 160`.

Recordings of emotional speech with long pauses and noise, as packets with levels like those of browsers, go through the
packet path and the voice detector of a call, with levels and without. The truth are the borders that the detector finds
in the clean recordings. `LevelGate`'s numbers were chosen with half of the speakers (``--half tuning``); the
other half is reported. Prints JSON: shares of windows of 32 ms. ``missed_share`` and
``false_alarms_per_voiced`` are relative to the voiced windows, ``false_alarm_share`` to the others.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from bench import level_recordings
from bench.level_recordings import Recording, build, choose, monologue
from bench.level_sounds import made, recorded
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk
from ser_track.engine.segmenter import Segmenter
from ser_track.engine.smoothing import Smoothing
from ser_track.engine.stream import Stream
from ser_track.engine.vad_batches import VadBatches
from ser_track.engine.windows import Gap, Window, WindowBuffer
from ser_track.event_types import StreamKey
from ser_track.models.silero import SileroVad
from ser_track.models.trimming import voiced_windows
from ser_track.rtp.header import SILENT_LEVEL, Arrival
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.packet_counts import PacketCounts
from training.corpora import CORPORA

_NOISE_DB: Final = (-75.0, -60.0, -50.0)
_VOICE: Final = 0.5
_KEY: Final = StreamKey("bench", "speaker", "1")
_SETTLED: Final = 15 * SAMPLE_RATE_HZ // WINDOW_SAMPLES
"""Windows after which the noise floor is known."""
_WRONG: Final[dict[str, Callable[[int], int | None]]] = {
    "none": lambda level: None,
    "always 0": lambda level: 0,
    "always 127": lambda level: SILENT_LEVEL,
    "always 60": lambda level: 60,
    "loud and quiet exchanged": lambda level: SILENT_LEVEL - level,
    "20 dB too quiet": lambda level: min(SILENT_LEVEL, level + 20),
    "40 dB too quiet": lambda level: min(SILENT_LEVEL, level + 40),
    "60 to 62, whatever is said": lambda level: 60 + level % 3,
}
Windows = NDArray[np.bool_]


@dataclass
class Tally:
    """Windows of several recordings."""

    windows: int = 0
    voiced: int = 0
    decoded: int = 0
    missed: int = 0
    false_alarms: int = 0

    def add(self, truth: Windows, found: Windows, decoded: Windows) -> None:
        """Add the windows of one recording."""
        n = min(len(truth), len(found))
        truth, found = truth[:n], found[:n]
        self.windows += n
        self.voiced += int(truth.sum())
        self.decoded += int(decoded.sum())
        self.missed += int((truth & ~found).sum())
        self.false_alarms += int((found & ~truth).sum())

    def shares(self) -> dict[str, float]:
        """The figures to report."""
        voiced, others = max(1, self.voiced), max(1, self.windows - self.voiced)
        found = {
            "decoded_share": self.decoded / self.windows,
            "missed_share": self.missed / voiced,
            "false_alarm_share": self.false_alarms / others,
            "false_alarms_per_voiced": self.false_alarms / voiced,
        }
        return {name: round(float(share), 4) for name, share in found.items() if self.voiced or "voiced" not in name}


class _Noted:
    """In place of a segmenter: notes which windows were decoded, and which of those have a voice."""

    def __init__(self) -> None:
        self.voiced: list[bool] = []
        self.decoded: list[bool] = []

    def push(self, _: Window, probability: float) -> tuple[()]:
        """Note one window."""
        self.voiced.append(probability >= _VOICE)
        self.decoded.append(True)
        return ()

    def skip(self, gap: Gap) -> tuple[()]:
        """Note windows that were not decoded."""
        self.voiced += [False] * gap.windows
        self.decoded += [False] * gap.windows
        return ()


def heard(arrivals: Sequence[Arrival], detector: SileroVad, by_level: bool) -> tuple[Windows, Windows, PacketCounts]:
    """Which windows have a voice, which were decoded, and what became of the packets."""
    packets, noted = OpusStream(by_level=by_level), _Noted()
    stream = Stream(_KEY, WindowBuffer(), cast("Segmenter", noted), detector.new_state(), None, Smoothing(0.0))
    chunks = list[Chunk]()
    for arrival in arrivals:
        packets.put(arrival)
        chunks += packets.take(arrival.now)
    for chunk in [*chunks, *packets.flush()]:
        stream.windows.push(chunk)
    stream.windows.flush()
    VadBatches(detector, lambda *_: None).advance([stream])
    return np.array(noted.voiced), np.array(noted.decoded), packets.counts


def pauses(recordings: Sequence[Recording], detector: SileroVad) -> dict[str, object]:
    """Speech with pauses, by the level of the noise."""
    report = dict[str, object]()
    for noise_db in _NOISE_DB:
        tallies = {"gated": Tally(), "ungated": Tally()}
        for recording in recordings:
            truth, arrivals = (
                voiced_windows(detector, recording.clean),
                level_recordings.packets(recording.with_noise(noise_db)),
            )
            for name, tally in tallies.items():
                tally.add(truth, *heard(arrivals, detector, name == "gated")[:2])
        voiced_share = round(float(tallies["gated"].voiced / tallies["gated"].windows), 4)
        report[f"{noise_db:.0f} dBFS"] = {"voiced_share": voiced_share} | {
            name: tally.shares() for name, tally in tallies.items()
        }
    return report


def monologues(recordings: Sequence[Recording], detector: SileroVad) -> dict[str, dict[str, float]]:
    """Speech without a pause for 20 s and longer: nothing of it may be left out."""
    tallies = {"gated": Tally(), "ungated": Tally()}
    for recording in recordings:
        truth, arrivals = (
            voiced_windows(detector, recording.clean),
            level_recordings.packets(recording.with_noise(-60.0)),
        )
        for name, tally in tallies.items():
            tally.add(truth, *heard(arrivals, detector, name == "gated")[:2])
    return {name: tally.shares() for name, tally in tallies.items()}


def sounds(folder: Path, detector: SileroVad) -> dict[str, dict[str, float]]:
    """Sounds without a voice: what of them is decoded once the noise floor is known, and what is taken for a voice."""
    report = dict[str, dict[str, float]]()
    for name, samples in (made() | recorded(folder)).items():
        arrivals = level_recordings.packets(samples)
        voiced, decoded, _ = heard(arrivals, detector, by_level=True)
        without, _, _ = heard(arrivals, detector, by_level=False)
        shares = (decoded[_SETTLED:].mean(), voiced.mean(), without.mean())
        named = zip(("decoded_share", "voice_share", "voice_share_ungated"), shares, strict=True)
        report[name] = {key: round(float(share), 4) for key, share in named}
    return report


def wrong_levels(recordings: Sequence[Recording], detector: SileroVad) -> dict[str, dict[str, float]]:
    """Speech with pauses, from senders whose levels are wrong."""
    report = dict[str, dict[str, float]]()
    for name, wrong in _WRONG.items():
        tally, found = Tally(), 0
        for recording in recordings:
            right = level_recordings.packets(recording.with_noise(-60.0))
            arrivals = [each._replace(level=wrong(each.level or 0)) for each in right]
            voiced, decoded, counts = heard(arrivals, detector, by_level=True)
            tally.add(voiced_windows(detector, recording.clean), voiced, decoded)
            found += counts.wrong_levels
        report[name] = tally.shares() | {"found_wrong": found}
    return report


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=160, help="of both halves together, in eights of one speaker")
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="folder with the corpora and their manifest.csv")
    parser.add_argument("--half", choices=("tuning", "report"), default="report")
    parser.add_argument("--voiced-share", type=float, default=0.09, help="of the recordings")
    args = parser.parse_args()
    halves = choose(args.corpora, args.clips, seed=0)
    chosen = halves[args.half == "report"]
    recordings = [build(paths, args.voiced_share, seed) for seed, paths in enumerate(chosen)]
    detector = SileroVad()
    report: dict[str, object] = {
        "half": f"{args.half}; the gate's numbers were chosen with the speakers of the tuning half",
        "clips": sum(map(len, chosen)),
        "seconds": round(sum(len(each.clean) for each in recordings) / SAMPLE_RATE_HZ),
        "pauses": pauses(recordings, detector),
        "monologues": monologues([monologue(paths, detector) for paths in chosen], detector),
        "sounds": sounds(args.corpora, detector),
        "wrong_levels": wrong_levels(recordings[:4], detector),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
