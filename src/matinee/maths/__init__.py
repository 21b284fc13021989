"""Pure functions on arrays: no classes with state, no input or output, no configuration."""
