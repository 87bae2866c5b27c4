"""The engine in real time: its thread and clock, the queues before it, and its metrics."""
