"""The thin live shell around the engine: its thread, its inboxes, its clock."""
