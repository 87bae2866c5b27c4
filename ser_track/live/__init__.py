"""The engine in real time: its thread and clock, its input queues, and its metrics."""
