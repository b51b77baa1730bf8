"""What runs were like, as files: written from a database, read by tests and by ``pgflow-gen replay``."""
