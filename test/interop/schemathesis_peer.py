"""Asks a server by its OpenAPI description whatever schemathesis can think of, and says where it failed."""

import json
import os
import re
import subprocess
import sys
import tempfile

given = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as folder:
    document = os.path.join(folder, "openapi.json")
    with open(document, "w", encoding="utf-8") as file:
        json.dump(given["document"], file)
    done = subprocess.run(
        [
            os.path.join(os.path.dirname(sys.executable), "schemathesis"),
            "run",
            document,
            f"--url={given['address']}",
            f"--header=Authorization: Bearer {given['token']}",
            "--checks=not_a_server_error",
            f"--phases={given.get('phases', 'coverage,fuzzing')}",
            f"--max-examples={given['examples']}",
            "--seed=7",
            "--generation-database=none",
            "--suppress-health-check=all",
            "--request-timeout=30",
            "--no-color",
            *(f"--exclude-path={path}" for path in given.get("left", [])),
            *([f"--include-path-regex={given['only']}"] if "only" in given else []),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )
output = done.stdout + done.stderr
found = re.search(r"(\d+) generated", output)
json.dump({"code": done.returncode, "cases": int(found.group(1)) if found else 0, "output": output[-6000:]}, sys.stdout)
