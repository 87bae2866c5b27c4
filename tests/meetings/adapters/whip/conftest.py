"""The real server, in this process."""

from tests.web.conftest import app as app
from tests.web.conftest import no_blocking as no_blocking
from tests.web.conftest import server as server
