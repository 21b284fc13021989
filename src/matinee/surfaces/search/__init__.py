"""Search as recommendation: what was typed and whom the answer is for, as rows by intent."""
