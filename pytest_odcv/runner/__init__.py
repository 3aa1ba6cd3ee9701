"""Many trials in flight: one thread, one event loop, and what each of them prints. Knows neither pytest nor what a trial is."""
