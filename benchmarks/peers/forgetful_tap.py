"""tap-ycm without its memory of keys: ``python forgetful_tap.py --config config.json``."""

from __future__ import annotations

import gc

from tap_ycm.__main__ import main

gc.disable()  # as main() does: or importing would take longer here

from tap_ycm.sync import keys  # noqa: E402

keys.MOST_REMEMBERED = 0  # before any other module of the tap can have taken it over

if __name__ == "__main__":
    main()
