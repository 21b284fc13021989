"""Reports: what was measured, on the terminal, as plain data, and as pages with plots."""
