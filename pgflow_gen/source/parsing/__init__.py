"""Text to syntax tree: valid Python that libcst does not read is spelled so that it does."""
