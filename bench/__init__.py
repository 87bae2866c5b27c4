"""Each figure of docs/speed.md, measured again by one command; the last line printed is one JSON object."""
