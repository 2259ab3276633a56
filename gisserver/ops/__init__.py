"""What a running city stands on: the private cluster, the supervisor, backup and the doctor."""
