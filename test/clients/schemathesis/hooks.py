"""What schemathesis cannot know: where there is something to find, what fits together, and which answers have no end."""

import zlib

import schemathesis

# The suite makes objects of these names before: enough of them that deletions leave some.
OBJECTS = 40


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Of the names that are made up, two thirds are those of objects that exist; whole collections are deleted elsewhere."""
    if not isinstance(path_parameters, dict) or "namespace" not in path_parameters:
        return path_parameters
    chance = zlib.crc32(repr(path_parameters).encode())
    if chance % 3 == 0:
        return path_parameters
    found = {**path_parameters, "namespace": "shop" if "name" in path_parameters else "default"}
    if "name" in found:
        found["name"] = f"known-{chance % OBJECTS}"
    return found


@schemathesis.hook
def before_call(context, case, kwargs):
    """Half of the writes are such that they can succeed. A watch answers a stream, which OpenAPI has no words for."""
    if isinstance(case.query, dict):
        case.query.pop("watch", None)
        case.query.pop("follow", None)
    chance = zlib.crc32(repr(case.body).encode())
    if not isinstance(case.body, dict) or case.method == "DELETE" or chance % 2 == 0:
        return
    name = (case.path_parameters or {}).get("name", f"made-{chance}")
    case.query = {}
    case.body = {"metadata": {"name": name, "labels": {"chance": str(chance)}}, "spec": spec_for(case)}


def spec_for(case):
    """As it was created: it may not be changed later."""
    if "restores" in case.path or case.path.endswith("/restore"):
        return {"backupName": "known-0", "dryRun": True}
    return {"includedResources": ["configmaps"]}
