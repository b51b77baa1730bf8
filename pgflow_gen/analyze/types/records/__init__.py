"""Records: TypedDicts and classes with fields, their fields, and what stands for one that is left out."""
