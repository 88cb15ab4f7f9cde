"""``python -m tap_ycm`` is ``tap-ycm``."""

import gc

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    # While modules are made, the garbage collector goes through them again and again and finds nothing.
    gc.disable()
    from tap_ycm.tap import TapYCM  # noqa: PLC0415 - the import is what is to be quick

    gc.freeze()
    gc.enable()
    TapYCM.cli()


if __name__ == "__main__":
    main()
