"""Addresses of our servers as people can open them: valid URLs, whatever address a server listens on."""

import ipaddress
import socket
from typing import Final

_EVERY_ADDRESS: Final = {"": "localhost", "0.0.0.0": "localhost", "::": "[::1]"}
"""Hosts that stand for all addresses of this machine and cannot be opened, each with one that can."""


def openable(host: str) -> tuple[str, str | None]:
    """A host to open on this machine, and one for other machines if the server listens on all addresses."""
    plain = _plain(host)
    if plain == "127.0.0.1":
        return "localhost", None
    if plain in _EVERY_ADDRESS:
        return _EVERY_ADDRESS[plain], _own_address(plain)
    return in_url(plain), None


def in_url(host: str) -> str:
    """``host`` as it stands in a URL: an IPv6 address in brackets, its zone with ``%25`` (RFC 6874)."""
    address, percent, zone = host.partition("%")
    if ":" not in address:
        return host
    return f"[{address}{'%25' if percent else ''}{zone}]"


def _plain(host: str) -> str:
    """An IP address in its shortest form: ``0:0:0:0:0:0:0:0`` is ``::``."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _own_address(host: str) -> str | None:
    """This machine's address on its network; ``None`` without a network."""
    of_ipv6 = host == "::"
    try:
        with socket.socket(socket.AF_INET6 if of_ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1" if of_ipv6 else "203.0.113.1", 9))  # a documentation address; sends nothing
            address: str = probe.getsockname()[0]
    except OSError:
        return None
    if ipaddress.ip_address(address).is_loopback:
        return None
    return in_url(address)
