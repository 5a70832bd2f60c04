"""
A short life full of blows (lives.py): CHAOS_BLOWS (10) of them. CHAOS_SEED (random; printed) is taken from the environment.
"""

import os
import random

from lives import Lives  # before bakery_test, which it finds
from bakery_test import main


class Chaos(Lives):
    def test_orders_survive_some_blows(self):
        seed = os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 32)
        most = int(os.environ.get("CHAOS_BLOWS") or 10)
        print(f"# CHAOS_SEED={seed} CHAOS_BLOWS={most}")
        self.live(seed, lambda blows: blows < most)


main()
