"""The HTTP client that adapters share."""

from aiohttp import ClientSession, TraceConfig


class HttpClient:
    """An aiohttp session, opened at the first use on a running event loop. Redirects are refused."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    @property
    def session(self) -> ClientSession:
        """The session, for requests to addresses that a program sends the bot to, and to no others."""
        if self._session is None:
            tracing = TraceConfig()
            tracing.on_request_redirect.append(_refuse_redirect)
            self._session = ClientSession(trace_configs=[tracing])
        return self._session

    async def close(self) -> None:
        """Close the session, if it was opened."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _refuse_redirect(*_: object) -> None:
    raise ConnectionRefusedError("the server answers with a redirect, which is not followed; give the final address")
