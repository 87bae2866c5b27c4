"""One way to log for the server's processes, which write to the same stderr."""

import logging


def log_to_stderr(who: str = "") -> None:
    """Log from INFO on; ``who`` marks the lines of one process among several."""
    mark = f"{who} " if who else ""
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {mark}%(name)s: %(message)s")
    logging.getLogger("aioice").setLevel(logging.WARNING)
