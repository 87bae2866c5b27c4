"""What several tests share: servers, browsers, participants, recordings, signals. No tests, no fixtures."""
