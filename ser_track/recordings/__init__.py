"""Where recorded audio comes from."""
