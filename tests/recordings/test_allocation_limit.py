"""A header may not make FFmpeg allocate without bound."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from ser_track.errors import AudioError
from ser_track.recordings.allocation_limit import limit_allocations
from ser_track.recordings.file import read_mono
from tests.helpers.recordings import Sound
from tests.helpers.signals import noise


def fragmented(path: Path, announced: int) -> Path:
    """An MP4 of one fragment, whose table of frames, of constant size, ``announced`` so many."""
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}) as file:
        stream = file.add_stream("aac", rate=16_000, layout="mono")
        for frame in Sound(noise(32_000)[:, None]).frames():
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    moof, traf, trun = (data.index(name) - 4 for name in (b"moof", b"traf", b"trun"))
    size = int.from_bytes(data[trun : trun + 4])
    table = (20).to_bytes(4) + b"trun" + (1).to_bytes(4) + announced.to_bytes(4) + bytes(4)
    data[trun : trun + size] = table
    for box in (moof, traf):
        data[box : box + 4] = (int.from_bytes(data[box : box + 4]) + len(table) - size).to_bytes(4)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("announced", [40_000_000, 4_000_000_000])
def test_a_small_file_that_announces_millions_of_frames_is_refused(tmp_path: Path, announced: int) -> None:
    assert limit_allocations()
    path = fragmented(tmp_path / "a.mp4", announced)
    assert path.stat().st_size < 40_000
    with pytest.raises(AudioError, match="cannot be read as audio or video"):
        read_mono(path)


def test_what_is_refused_takes_no_memory(tmp_path: Path) -> None:
    form = np.array([16], "<u4").tobytes() + np.array([1, 1], "<u2").tobytes()
    form += np.array([1_000_000_000, 2_000_000_000], "<u4").tobytes() + np.array([2, 16], "<u2").tobytes()
    wav = tmp_path / "a.wav"
    wav.write_bytes(b"RIFF\x00\x2f\x00\x00WAVEfmt " + form + b"data\xe0\x2e\x00\x00" + bytes(12_000))
    program = (
        "import re, sys\nfrom pathlib import Path\nfrom ser_track.errors import AudioError\n"
        "from ser_track.recordings.file import read_mono\n"
        "for name in sys.argv[1:]:\n    try:\n        read_mono(Path(name))\n    except AudioError:\n        pass\n"
        # Not ru_maxrss: a child begins with that of the process that it was forked from.
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    files = [str(wav), str(fragmented(tmp_path / "a.mp4", 40_000_000))]
    done = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300_000  # kB; without the limits it is more than a million
