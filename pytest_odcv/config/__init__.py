"""What a run is asked to do: the table of options, the resolved settings, and what is built from them."""
