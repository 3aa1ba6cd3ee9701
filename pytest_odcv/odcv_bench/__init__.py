"""Reading ODCV-Bench's published files: judges' CSVs (`judgments`), folders of them (`folder`), run records (`messages`)."""
