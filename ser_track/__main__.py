"""`python -m ser_track`, for environments whose scripts are not on the path."""

import sys

from ser_track.cli.main import main

sys.exit(main())
