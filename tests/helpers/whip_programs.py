"""Programs that publish by WHIP: FFmpeg 8 or later where it can be found, and PyAV's own muxer."""

import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.helpers.programs import skip_or_fail
from tests.paths import ROOT, SPOKEN


def ffmpeg(url: str, seconds: float, *, token: str | None = None) -> tuple[str, ...]:
    """The command with which FFmpeg publishes the recording and silence; without an FFmpeg, see `skip_or_fail`."""
    given = () if token is None else ("-authorization", token)
    source = ("-re", "-i", str(SPOKEN), "-af", f"apad=whole_dur={seconds}", "-ar", "48000", "-ac", "2")
    return (_ffmpeg(), "-hide_banner", "-nostdin", *source, "-c:a", "libopus", "-f", "whip", *given, url)


def pyav(url: str, seconds: float, *options: str) -> tuple[str, ...]:
    """The command with which PyAV publishes the recording and silence."""
    if "whip" not in av.formats_available:
        skip_or_fail("this PyAV has no WHIP muxer")
    return (sys.executable, "-m", "tests.helpers.pyav_whip", url, str(SPOKEN), str(seconds), *options)


def p256_files(folder: Path) -> tuple[str, str]:
    """Options for FFmpeg's muxer: a certificate and its key, on the curve P-256."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sender")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    made = made.not_valid_after(now + datetime.timedelta(days=2))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(secret)
    return f"cert_file={folder / 'certificate.pem'}", f"key_file={folder / 'key.pem'}"


def environment() -> dict[str, str]:
    """For a program that imports the tests."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _ffmpeg() -> str:
    path = os.environ.get("SER_TRACK_FFMPEG") or shutil.which("ffmpeg")
    if path is None or not _publishes(path):
        skip_or_fail(
            "no FFmpeg with a WHIP muxer (8 or later): it is neither the ffmpeg on the PATH nor SER_TRACK_FFMPEG"
        )
    return path


def _publishes(path: str) -> bool:
    listed = subprocess.run([path, "-hide_banner", "-muxers"], capture_output=True, text=True, timeout=60, check=False)
    return " whip " in listed.stdout
