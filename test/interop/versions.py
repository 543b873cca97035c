"""Answers with the versions of the peers that are really installed."""

import json
import sys
from importlib.metadata import version

names = json.load(sys.stdin)
json.dump({name: version(name) for name in names}, sys.stdout)
