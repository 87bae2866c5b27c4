"""Benchmarks: each measures one figure of docs/speed.md, and prints one JSON object as its last line."""
