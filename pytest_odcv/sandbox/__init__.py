"""Where an agent's commands run. `base` is the protocol, `bubblewrap` the first kind of it."""
