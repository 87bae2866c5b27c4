"""The microphone: what waits is bounded, what is missing has a remedy, and a real one is heard."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_track.chunk import Chunk, FloatArray, ParticipantChunk
from ser_track.errors import AudioError, ConfigError
from ser_track.recordings.microphone import HeldBlocks, Microphone, input_devices
from tests.helpers.microphones import Machine
from tests.helpers.processes import started
from tests.helpers.pulseaudio import play, pulse_audio
from tests.helpers.signals import cut, joined, noise
from tests.paths import DATA, ROOT


def taken(held: HeldBlocks) -> list[Chunk]:
    held.close()
    return [*iter(lambda: held.take(1.0), None)]


def test_blocks_come_in_order_each_once_from_another_thread() -> None:
    samples, held = noise(50_000), HeldBlocks(100_000)

    def speak() -> None:
        for block in cut(samples, [160, 1_000, 333]):
            held.put(block)
        held.close()

    speaker = threading.Thread(target=speak)
    speaker.start()
    found: list[FloatArray] = []
    while (block := held.take(5.0)) is not None:
        assert block[0] == sum(map(len, found))
        found.append(block[1])
    speaker.join()
    np.testing.assert_array_equal(joined(found), samples)
    assert held.lost_samples == 0


def test_when_too_much_waits_the_oldest_goes_is_counted_and_leaves_a_hole() -> None:
    held = HeldBlocks(1_000)
    for number in range(15):
        held.put(np.full(100, number, np.float32))
    found = taken(held)
    assert [(at, samples[0]) for at, samples in found] == [(100 * number, number) for number in range(5, 15)]
    assert held.lost_samples == 500


def test_a_block_that_is_longer_than_all_that_may_wait_is_kept() -> None:
    held = HeldBlocks(100)
    held.put(noise(500))
    assert [len(samples) for _, samples in taken(held)] == [500]


def test_nothing_for_too_long_is_an_error_and_the_end_is_none() -> None:
    held = HeldBlocks(100)
    with pytest.raises(TimeoutError):
        held.take(0.01)
    held.close()
    held.put(noise(10))  # the sound card has not noticed yet
    assert held.take(5.0) is None


def test_without_sounddevice_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as Python marks what cannot be imported
    for wanted in (Microphone, input_devices):
        with pytest.raises(
            AudioError, match=r"sounddevice, which is not installed; pip install sounddevice, or use --file"
        ):
            wanted()


def test_without_portaudio_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(AudioError, match=r"PortAudio \(.*\); install it \(Debian: libportaudio2"):
        input_devices()


def test_a_device_is_chosen_by_number_by_name_or_by_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Machine("Built-in", "Speaker", "USB mic", "USB mic 2"))
    assert [device.name for device in input_devices()] == ["Built-in", "USB mic", "USB mic 2"]
    chosen = {wanted: Microphone(wanted).device.number for wanted in (None, 2, "built", "USB mic", "mic 2")}
    assert chosen == {None: 0, 2: 2, "built": 0, "USB mic": 2, "mic 2": 3}
    for wanted, reason in (
        (1, "no input devices match 1"),
        ("spk", "no input"),
        ("usb", "2 input devices match 'usb'"),
    ):
        with pytest.raises(ConfigError, match=reason):
            Microphone(wanted)


def test_no_microphone_has_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Machine())
    with pytest.raises(AudioError, match="no microphone on this machine; connect one, or use --file FILE"):
        Microphone()


LISTEN = """
import sys
from ser_track.recordings.microphone import Microphone
microphone, heard = Microphone("default"), 0.0
for piece in microphone:
    print(piece.chunk.at, len(piece.chunk.samples), flush=True)
    heard = max(heard, abs(piece.chunk.samples).max(initial=0.0))
    if piece.chunk.at > 32_000:
        microphone.stop()
print(microphone.device.rate_hz, heard, microphone.loss)
"""


def test_a_real_one_is_heard_at_16_khz_without_a_hole(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as environment:
        command = [sys.executable, "-c", LISTEN]
        with started(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as listening:
            assert listening.stdout is not None
            listening.stdout.readline()  # it is open
            with play(DATA / "spoken.wav", environment) as playing:
                lines = listening.stdout.read().splitlines()
                playing.terminate()
    *pieces, (rate_hz, heard, loss) = (line.split() for line in lines)
    ends = [int(at) + int(length) for at, length in pieces]
    assert [int(at) for at, _ in pieces[1:]] == ends[:-1]
    assert (rate_hz, loss) == ("44100", "None")
    assert float(heard) > 0.05
    assert 32_000 < ends[-1] < 48_000


def test_what_is_dropped_is_told_and_leaves_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Machine("Built-in"))
    microphone, pieces = Microphone(max_held_s=2.0), list[ParticipantChunk]()
    assert microphone.loss is None
    for piece in microphone:
        pieces.append(piece)
        microphone.stop()
    heard = [piece for piece in pieces if len(piece.chunk.samples)]
    assert heard[0].chunk.at == 4 * 16_000
    assert [piece.chunk.at for piece in heard[1:]] == [piece.chunk.end for piece in heard[:-1]]
    assert heard[-1].chunk.end == 6 * 16_000
    assert heard[-1].chunk.samples[-100:].max() == pytest.approx(59 / 60, abs=0.01)
    assert microphone.loss == "4.0 s of sound were dropped; overflows of the sound card: 1"


def test_one_that_gives_nothing_or_cannot_be_opened_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine("Built-in")
    monkeypatch.setitem(sys.modules, "sounddevice", machine)
    with pytest.raises(AudioError, match=r"Built-in gave no sound for 0\.01 s; connect it again"):
        list(Microphone(stalled_after_s=0.01))

    def busy(**settings: Any) -> None:
        raise machine.PortAudioError("Device unavailable")

    monkeypatch.setattr(machine, "InputStream", busy)
    with pytest.raises(AudioError, match=r"Built-in cannot be opened \(Device unavailable\); close other programs"):
        list(Microphone())
