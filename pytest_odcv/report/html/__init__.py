"""A run as one page of HTML, which opens from disk and loads nothing."""
