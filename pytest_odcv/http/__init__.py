"""The HTTP traffic of a team's own agent: recorded, understood as turns of a conversation where its shape is known, and replayed."""
