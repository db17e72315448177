"""`python -m ncl` is `ncl`."""

from ncl.cli.main import main

if __name__ == "__main__":
    main()
