"""`python -m twinlens`, and the `twinlens` command.

Worker processes import the main module once more under another name. That is why it holds nothing
but this function: they have no use for the command line.
"""

import gc


def main() -> None:
    """Run the command line."""
    # What is loaded stays, so there is nothing to collect meanwhile: a tenth of the start.
    gc.disable()
    from twinlens.cli.main import main as run  # noqa: PLC0415 - see above

    gc.enable()
    run()


if __name__ == "__main__":
    main()
