"""The live layer around the engine: its thread, its input queues and its clock."""
