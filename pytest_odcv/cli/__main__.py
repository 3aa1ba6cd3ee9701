"""`python -m pytest_odcv.cli`, where the command `odcv` is not on the path."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
