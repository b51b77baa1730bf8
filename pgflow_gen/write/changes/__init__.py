"""What a change of a released flow means for those that run: its shape, its types, its versions."""
