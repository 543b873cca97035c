"""Reads JUnit XML by junitparser, and a Jenkinsfile by a parser of Groovy 3."""

import json
import sys

request = json.load(sys.stdin)

if "junit" in request:
    from junitparser import JUnitXml

    xml = JUnitXml.fromstring(request["junit"].encode())
    answer = {
        "tests": xml.tests,
        "failures": xml.failures,
        "skipped": xml.skipped,
        "suites": [
            {
                "name": suite.name,
                "cases": [
                    {
                        "name": case.name,
                        "verdict": "failed" if case.is_failure else "skipped" if case.is_skipped else "passed",
                        "message": case.result[0].message if case.result else "",
                    }
                    for case in suite
                ],
            }
            for suite in xml
        ],
    }
else:
    from groovy_parser.parser import parse_groovy_content

    try:
        tree = parse_groovy_content(request["groovy"])
        answer = {"parsed": tree.data == "compilation_unit"}
    except Exception as problem:  # noqa: BLE001, whatever the parser says no with
        answer = {"parsed": False, "problem": str(problem).splitlines()[0]}

json.dump(answer, sys.stdout)
