"""MediaJson, the format in which bridges such as Jitsi's send audio: frames, recordings and timing."""
