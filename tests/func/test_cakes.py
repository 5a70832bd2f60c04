"""Three cakes: on three workers they are baked side by side, on one worker one after the other. Shown by the order of events, not by a clock."""

import json

from bakery_test import Case, main

YAML = """
pools: {ovens: {workers: WORKERS}}
recipes:
  cake:
    params: {flavour: {type: string, required: true, one_of: [sponge, madeira, chocolate]}}
    run: [sh, -c, 'sleep 1; echo "a $0 cake"', "{flavour}"]
    pool: ovens
    timeout: 60s
"""
FLAVOURS = ("sponge", "madeira", "chocolate")


class Cakes(Case):
    def bake(self, workers):
        """The states that the three orders went through, in the order of events."""
        d = self.daemon(YAML.replace("WORKERS", str(workers)))
        states = []
        with d.connect(3) as news, d.connect(3) as c:
            news.ok("SUBSCRIBE", "events")
            ids = [c.ok("ORDER", "cake", json.dumps({"flavour": f})).decode() for f in FLAVOURS]
            seqs = []
            while states.count("done") < 3:
                event = json.loads(news.read()[2])
                assert event["id"] in ids
                states.append(event["state"])
                seqs.append(int(event["seq"]))
            assert seqs == sorted(set(seqs)), "sequence numbers only grow"
            for number, flavour in zip(ids, FLAVOURS):
                assert c.ok("RESULT", number) == f"a {flavour} cake\n".encode()
        return [s for s in states if s in ("running", "done")]

    def test_three_workers_bake_side_by_side(self):
        assert self.bake(3) == ["running"] * 3 + ["done"] * 3

    def test_one_worker_bakes_one_after_the_other(self):
        assert self.bake(1) == ["running", "done"] * 3


main()
