"""Schemas of other tools by those tools themselves, as references for what we read of them.

Input: { "json_schema": { schema, rows: [object] }, "frictionless": { schema, header, rows: [[text]] } }.
Output: { "tfdv": { "texts": [text, ...], "features": [what the protobuf library reads of them] },
"json_schema": [whether the row is valid], "frictionless": { "rows": [numbers of rows that are not valid], "codes": [...] } }.
"""

import json
import sys

import jsonschema
from frictionless import Resource, Schema
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2 as pb


def tfdv_schema():
    """What `tfdv.infer_schema` writes of a CSV, and what people then add."""
    schema = pb.Schema()
    schema.string_domain.add(name="payment_type", value=["Cash", 'Dis"pute\n', "Prcard", "é — ü", "back\\slash"])
    schema.int_domain.add(name="hours", min=0, max=23)
    schema.float_domain.add(name="fares", min=0.5, max=90.25)
    fare = schema.feature.add(name="fare", type=pb.FLOAT, domain="fares")
    fare.presence.min_fraction = 1.0
    fare.presence.min_count = 1
    fare.shape.dim.add(size=1)
    payment = schema.feature.add(name="payment_type", type=pb.BYTES, domain="payment_type")
    payment.value_count.min = 1
    payment.value_count.max = 1
    payment.presence.min_count = 1
    payment.distribution_constraints.min_domain_mass = 0.875
    hour = schema.feature.add(name="trip start hour", type=pb.INT, domain="hours")
    hour.presence.min_fraction = 0.75
    wide = schema.feature.add(name="großer_wert", type=pb.INT)
    wide.int_domain.min = -(2**63)
    wide.int_domain.max = 2**63 - 1
    low = schema.feature.add(name="low", type=pb.FLOAT)
    low.float_domain.min = -1.5e-7
    inline = schema.feature.add(name="inline", type=pb.BYTES)
    inline.string_domain.value.extend(["a", "b"])
    inline.presence.min_fraction = 1.0
    text_number = schema.feature.add(name="text_number", type=pb.BYTES)
    text_number.int_domain.min = 3
    schema.default_environment.extend(["TRAINING", "SERVING"])
    return schema


def domains_of(schema, feature):
    named = {each.name: each for each in [*schema.string_domain, *schema.int_domain, *schema.float_domain]}
    which = feature.WhichOneof("domain_info")
    if which is None:
        return None
    return named[feature.domain] if which == "domain" else getattr(feature, which)


def features_of(text):
    schema = text_format.Parse(text, pb.Schema())
    found = []
    for feature in schema.feature:
        domain = domains_of(schema, feature)
        values = list(domain.value) if isinstance(domain, pb.StringDomain) else None
        limits = {}
        if isinstance(domain, (pb.IntDomain, pb.FloatDomain)):
            limits = {name: getattr(domain, name) for name in ("min", "max") if domain.HasField(name)}
        found.append(
            {
                "name": feature.name,
                "type": pb.FeatureType.Name(feature.type),
                "min_fraction": feature.presence.min_fraction,
                "values": values,
                "mass": feature.distribution_constraints.min_domain_mass
                if feature.HasField("distribution_constraints")
                else None,
                "integers": isinstance(domain, pb.IntDomain),
                **limits,
            }
        )
    return found


def frictionless_report(schema, header, rows):
    resource = Resource(data=[header, *rows], schema=Schema.from_descriptor(schema))
    report = resource.validate()
    errors = report.flatten(["rowNumber", "fieldName", "type"])
    # its header is row 1, ours too
    return {"rows": sorted({row for row, _, _ in errors if row}), "types": sorted({kind for _, _, kind in errors})}


given = json.load(sys.stdin)
schema = tfdv_schema()
texts = [text_format.MessageToString(schema), text_format.MessageToString(schema, as_utf8=True), text_format.MessageToString(schema, as_one_line=True)]
ours = given["json_schema"]
validator = jsonschema.validators.validator_for(ours["schema"])(ours["schema"])
json.dump(
    {
        "tfdv": {"texts": texts, "features": features_of(texts[0])},
        "json_schema": [validator.is_valid(row) for row in ours["rows"]],
        "frictionless": frictionless_report(**given["frictionless"]),
    },
    sys.stdout,
)
