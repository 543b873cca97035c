"""Holds an OpenAPI document against the specification's own schema and rules, and says what is wrong with it."""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

document = json.load(sys.stdin)
errors = [f"{'/'.join(str(step) for step in error.absolute_path)}: {error.message[:300]}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
json.dump({"errors": errors}, sys.stdout)
