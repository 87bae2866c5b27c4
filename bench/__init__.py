"""Each performance claim of the README, measured again by one command; the last line printed is one JSON object."""
