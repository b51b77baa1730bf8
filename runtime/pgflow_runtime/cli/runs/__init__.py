"""``pgflow-gen runs``: look at runs, change their course, answer those that wait, write them to files."""
