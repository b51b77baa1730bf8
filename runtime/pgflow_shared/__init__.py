"""What the compiler and the runtime must agree on, each once. The standard library only; imports neither."""
