"""`python -m twinlens`, and the `twinlens` command.

Worker processes import the main module once more under another name. That is why it holds nothing
but this function: they have no use for the command line.
"""


def main() -> None:
    """Run the command line."""
    from twinlens.cli.main import main as run  # noqa: PLC0415 - see above

    run()


if __name__ == "__main__":
    main()
