"""What a worker does beside its tasks: the heartbeat, and in another thread the duties, one by one."""
