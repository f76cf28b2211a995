"""The course as pages: the executed notebooks and the files they speak of, as one site that opens from disk."""
