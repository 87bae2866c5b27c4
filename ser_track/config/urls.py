"""Checks addresses in the configuration; each check raises ValueError with the expected form."""

import ipaddress
import re
from typing import Any, Final
from urllib.parse import urlsplit

from ser_track.config.values import name_of

# Exactly what browsers send as Origin: it is compared as a string.
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_PUBLIC_URL: Final = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*[^/])?")
_WEBSOCKET_URL: Final = re.compile(r"wss?://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_SERVER_URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
)
_NEVER_SENT: Final = re.compile(r"http://.*:80|https://.*:443")
# Narrower than RFC 7064 and 7065: aiortc accepts no IPv6 address here, and would blame the participant's offer.
_ICE_URL: Final = re.compile(r"(?P<scheme>stuns?|turns?):[A-Za-z0-9._-]+(:(?P<port>[0-9]{1,5}))?(?P<transport>\?.+)?")

# Only TURN has a choice of transport; with TLS, aiortc would ignore a request for UDP silently.
_TRANSPORTS: Final = {"turn": (None, "?transport=udp", "?transport=tcp"), "turns": (None, "?transport=tcp")}


def origin_of_pages(value: Any) -> str:
    """``*``, or an origin as browsers send it. Raises ValueError."""
    fits = isinstance(value, str) and _ORIGIN.fullmatch(value) and not _NEVER_SENT.fullmatch(value)
    if value != "*" and not fits:
        raise ValueError(
            "must be * or scheme://host[:port] as browsers send it (lower case, no path, no slash at the end, no :80 "
            f"of http or :443 of https), not {value!r}"
        )
    return str(value)


def public_url(value: Any) -> str:
    """``http(s)://host[:port][/path]`` without a slash at its end. Raises ValueError."""
    if not isinstance(value, str) or not _PUBLIC_URL.fullmatch(value) or not _reachable(value):
        raise ValueError(f"must be http(s)://host[:port][/path] without a slash at the end, not {value!r}")
    return value


def websocket_url(value: Any) -> str:
    """``ws(s)://host[:port][/path]``, without user, query or fragment. Raises ValueError."""
    if not isinstance(value, str) or not _WEBSOCKET_URL.fullmatch(value) or not _reachable(value):
        raise ValueError(f"must be ws://host[:port][/path] or wss://…, without user, query or fragment, not {value!r}")
    return value


def server_url(value: Any) -> str:
    """``scheme://host[:port][/path]``, without user, query or fragment. Raises ValueError."""
    if not isinstance(value, str) or not _SERVER_URL.fullmatch(value) or not _reachable(value):
        raise ValueError(f"must be scheme://host[:port][/path], such as wss://…, without user or query, not {value!r}")
    return value


def _reachable(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:  # a port over 65535, or brackets without an IPv6 address in them
        return False


def ice_url(value: Any) -> str:
    """A STUN or TURN URI that browsers and aiortc both understand. Raises ValueError."""
    parts = _ICE_URL.fullmatch(value) if isinstance(value, str) else None
    transports = _TRANSPORTS.get(parts["scheme"], (None,)) if parts else ()
    if parts is None or parts["transport"] not in transports or not 0 < int(parts["port"] or 1) < 65_536:
        what = repr(value) if isinstance(value, str) else name_of(value)
        raise ValueError(
            "must be stun:host[:port], stuns:… or, with credentials, turn:host[:port][?transport=udp or tcp] or "
            f"turns:…[?transport=tcp], not {what}"
        )
    return str(value)


def ip_network(value: Any) -> str:
    """An IPv4 or IPv6 network such as ``10.0.0.0/8``, or one address. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
    except ValueError as error:
        what = repr(value) if isinstance(value, str) else name_of(value)
        raise ValueError(f"must be an IP address or a network such as 10.0.0.0/8 or fd00::/8, not {what}") from error


def is_loopback(name: str) -> bool:
    """Whether the host ``name`` is this machine itself."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
