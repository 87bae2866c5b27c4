"""Networks of their own for programs under test: network namespaces of Linux, which root can make."""

import os
import secrets
import subprocess
from contextlib import ExitStack

from tests.helpers.programs import require_server, skip_or_fail


class Networks:
    """Namespaces that are joined pair by pair. Addresses and ports in them are their own: nothing can be in the way."""

    def __init__(self) -> None:
        self._ip = require_server("ip")
        # Two runs at a time must not meet.
        self._mark = f"ser-track-{os.getpid()}-{secrets.token_hex(3)}"

    def within(self, network: str) -> tuple[str, ...]:
        """The beginning of a command that is to run in ``network``."""
        return self._ip, "netns", "exec", network

    def has_route(self, network: str, address: str) -> bool:
        """Whether what is sent to ``address`` gets out of ``network`` at all."""
        return self._run("-n", network, "route", "get", address).returncode == 0

    def name(self, who: str) -> str:
        """The name of the network of ``who``."""
        return f"{self._mark}-{who}"

    def add(self, stack: ExitStack, network: str) -> None:
        """Make ``network``; ``stack`` takes it down, with its end of every link."""
        self._make("netns", "add", network)
        stack.callback(self._run, "netns", "delete", network)
        self._make("-n", network, "link", "set", "lo", "up")

    def join(self, *ends: tuple[str, str, str | None]) -> None:
        """Join two networks by a cable. An end is a network, the name of the link in it, and its address, if any."""
        (network, link, _), (other, other_link, _) = ends
        self._make("-n", network, "link", "add", link, "type", "veth", "peer", other_link, "netns", other)
        for place, own_link, address in ends:
            if address is not None:
                self._make("-n", place, "address", "add", f"{address}/30", "dev", own_link)
            self._make("-n", place, "link", "set", own_link, "up")

    def _make(self, *arguments: str) -> None:
        made = self._run(*arguments)
        if made.returncode:
            command = f"ip {' '.join(arguments)}: {made.stderr.strip()}"
            skip_or_fail(f"no networks can be made here, as root can on Linux with veth ({command})")

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([self._ip, *arguments], capture_output=True, text=True, check=False)
