"""Pages out of scores: candidate rows, the builder, its kernels, and built pages as decisions."""
