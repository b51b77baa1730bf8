"""Several worker processes under one: the supervisor's side, and the child's."""
