"""What runs the networks: torch everywhere, OpenVINO on CPUs. They take and give numpy arrays, and answer alike."""
