"""`python -m usufruct` is the command line, for whoever has not its script on the path."""

from usufruct.main import run

run()
