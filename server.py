"""The demo server: ``uv run server.py``, then http://localhost:8080."""

import sys

from ser_track.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
