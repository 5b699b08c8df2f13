"""The data source that puts an IAM policy together, as programs use it for what stands beside the component. It asks
nobody: the answer follows from the inputs (terraform-provider-aws, iam/policy_document_data_source.go)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .kind import Aws, Props, ResourceError

# What merges one document into another, by rules of its own.
_MERGED = ("overrideJson", "overridePolicyDocuments", "sourceJson", "sourcePolicyDocuments")
_LISTS = {
    "actions": "Action", "notActions": "NotAction", "resources": "Resource", "notResources": "NotResource",
}  # fmt: skip


def policy_document(aws: Aws, inputs: Props) -> Props:
    """The document as text, under the names that the provider gives it."""
    if given := [name for name in _MERGED if inputs.get(name)]:
        raise ResourceError(f"{given[0]} of a policy document is not rehearsed")
    document = {
        "Version": inputs.get("version") or "2012-10-17",
        **({"Id": inputs["policyId"]} if inputs.get("policyId") else {}),
        "Statement": [_statement(each) for each in inputs.get("statements") or []],
    }
    return {"id": "policy-document", "json": json.dumps(document, indent=2), "minifiedJson": json.dumps(document)}


def _statement(given: Props) -> dict[str, Any]:
    found: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    found["Effect"] = given.get("effect") or "Allow"
    found |= {name: _texts(given[key]) for key, name in _LISTS.items() if given.get(key)}
    for key, name in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if given.get(key):
            found[name] = _principals(given[key])
    for condition in given.get("conditions") or []:
        tests = found.setdefault("Condition", {}).setdefault(condition["test"], {})
        tests[condition["variable"]] = _texts(condition["values"])
    return found


def _principals(given: Iterable[Props]) -> Any:
    kinds = {each["type"]: each["identifiers"] for each in given}
    return "*" if kinds == {"*": ["*"]} else {kind: _texts(names) for kind, names in kinds.items()}


def _texts(values: list[str]) -> str | list[str]:
    """One text by itself; `&{…}` is how programs write a policy variable."""
    texts = [value.replace("&{", "${") for value in values]
    return texts[0] if len(texts) == 1 else texts
