"""``python -m tap_ycm`` is ``tap-ycm``."""

from tap_ycm.tap import TapYCM

if __name__ == "__main__":
    TapYCM.cli()
