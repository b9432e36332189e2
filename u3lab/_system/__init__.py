"""What the machine gives: memory, threads, folders. Nothing here knows of pictures or networks."""
