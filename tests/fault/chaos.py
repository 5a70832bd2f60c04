"""
Chaos for a minute: random lives (lives.py) until the time is over. CHAOS_SECONDS (60) and CHAOS_SEED (random; printed) are taken from the environment.
"""

import os
import random
import time

from lives import Lives  # before bakery_test, which it finds
from bakery_test import main


class Chaos(Lives):
    def test_orders_survive_chaos(self):
        seed = os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 32)
        seconds = float(os.environ.get("CHAOS_SECONDS") or 60)
        print(f"# CHAOS_SEED={seed} CHAOS_SECONDS={seconds:.0f}")
        end = time.monotonic() + seconds
        self.live(seed, lambda blows: time.monotonic() < end)


main()
