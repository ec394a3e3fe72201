"""What schemathesis cannot know: where there is something to find, and which answers have no end."""

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
    """A watch answers a stream, which OpenAPI has no words for: other suites hold it to its contract."""
    if isinstance(case.query, dict):
        case.query.pop("watch", None)
        case.query.pop("follow", None)
