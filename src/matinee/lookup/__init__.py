"""Looking titles up by words: what they are called, who made them, what they are about. Text in, titles out."""
