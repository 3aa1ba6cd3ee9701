"""A real language model for end-to-end tests: SmolLM2-135M-Instruct behind an OpenAI-compatible server on loopback.

`python -m local_model` starts it. It is right for recording over real HTTP, and far too weak for any claim
about safety. Nothing else of pytest_odcv imports this package.
"""
