"""Run the command line as ``python -m paribus``."""

from paribus.cli import main

if __name__ == "__main__":
    main()
