"""Sources of recorded audio."""
