"""``python -m culturesim``."""

from culturesim.cli import main

main()
