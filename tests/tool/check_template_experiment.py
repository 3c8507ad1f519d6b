#!/usr/bin/python3
"""check_template_experiment.py SCRIPT: tests how tools/template_experiment.py divides images into templates."""
import collections
import importlib.util
import random
import sys

spec = importlib.util.spec_from_file_location("template_experiment", sys.argv[1])
experiment = importlib.util.module_from_spec(spec)
spec.loader.exec_module(experiment)

counts = {"few": 7, "enough": 8, "many": 50}
rows = [{"path": f"{who}/{i}.jpg", "identity": who} for who, count in counts.items() for i in range(count)]
dealt = experiment.deal_templates(rows, size=4, most=16, seed=1)

templates = collections.Counter(row["template"] for row in dealt)
assert set(templates.values()) == {4}, templates
assert collections.Counter(t.split()[0] for t in templates) == {"enough": 2, "many": 4}, templates
assert all(row["template"].split()[0] == row["identity"] == row["path"].split("/")[0] for row in dealt)
assert len({row["path"] for row in dealt}) == len(dealt)
random.Random(5).shuffle(rows)
assert experiment.deal_templates(rows, 4, 16, 1) == dealt, "the order of the rows must not matter"
assert experiment.deal_templates(rows, 4, 16, 2) != dealt, "the seed must"
