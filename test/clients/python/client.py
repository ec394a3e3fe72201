"""What Python's client for Kubernetes does with Backups: `client.py WHAT NAMESPACE CACHE` prints what came of it as JSON."""

import json
import sys

from kubernetes import client, config, dynamic, watch

GROUP, VERSION, PLURAL = "backup.kylon.io", "v1alpha1", "backups"
SMALL = {"includedResources": ["configmaps"]}


def backup(name, labels=None):
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Backup", "metadata": {"name": name, "labels": labels or {}}, "spec": SMALL}


def backups(cache):
    everything = dynamic.DynamicClient(client.ApiClient(), cache_file=cache)
    return everything.resources.get(api_version=f"{GROUP}/{VERSION}", kind="Backup")


def discovery(_, cache):
    found = backups(cache)
    return {
        "name": found.name,
        "singular": found.singular_name,
        "namespaced": found.namespaced,
        "verbs": sorted(found.verbs),
        "subresources": sorted(found.subresources),
    }


def objects(namespace, cache):
    kind = backups(cache)
    made = kind.create(body=backup("python", {"stage": "one"}), namespace=namespace)
    patched = kind.patch(
        body={"metadata": {"labels": {"stage": "two"}}}, name="python", namespace=namespace, content_type="application/merge-patch+json"
    )
    selected = kind.get(namespace=namespace, label_selector="stage=two")
    replaced = replace(kind, namespace)
    kind.delete(name="python", namespace=namespace, body={})
    return {
        "created": made.metadata.name,
        "patched": patched.metadata.labels.stage,
        "selected": [one.metadata.name for one in selected.items],
        "replaced": replaced.metadata.labels.stage,
        "missing": refused(lambda: kind.get(name="nothing", namespace=namespace)),
        "wrong": refused(lambda: kind.create(body={**backup("wrong"), "spec": {"ttl": "soon"}}, namespace=namespace)),
    }


def replace(kind, namespace):
    """Kylon writes the status meanwhile: whoever replaces tries again with what is there now, as every client does."""
    for _ in range(20):
        now = kind.get(name="python", namespace=namespace).to_dict()
        now["metadata"]["labels"]["stage"] = "three"
        try:
            return kind.replace(body=now, namespace=namespace)
        except dynamic.exceptions.ConflictError:
            continue
    raise RuntimeError("always in conflict")


def refused(call):
    try:
        call()
    except dynamic.exceptions.DynamicApiError as error:
        return [error.status, json.loads(error.body)["reason"]]
    return "not refused"


def watched(namespace, cache):
    kind = backups(cache)
    start = kind.get(namespace=namespace).metadata.resourceVersion
    kind.create(body=backup("watched"), namespace=namespace)
    kind.delete(name="watched", namespace=namespace, body={})
    seen = kind.watch(namespace=namespace, resource_version=start, timeout=5)
    return [event["type"] for event in seen if event["object"].metadata.name == "watched"]


def listing():
    api = client.CustomObjectsApi()
    asked = []

    def ask(*args, **kwargs):
        """Lists the objects.

        :param bool watch: as the client's own functions say that they can.
        """
        asked.append(kwargs["resource_version"])
        return api.list_namespaced_custom_object(*args, **kwargs)

    return ask, asked


def from_the_beginning(namespace, _):
    ask, _ = listing()
    seen = watch.Watch().stream(ask, GROUP, VERSION, namespace, PLURAL, resource_version="1", timeout_seconds=3)
    return [[event["type"], event["object"]["metadata"]["name"]] for event in seen]


def expired(namespace, _):
    """A number that was never given out is as one that is forgotten: the stream tries it once more, then gives up."""
    ask, asked = listing()
    try:
        for event in watch.Watch().stream(ask, GROUP, VERSION, namespace, PLURAL, resource_version="999999999"):
            return {"event": event}
    except client.rest.ApiException as error:
        return {"asked": asked, "status": error.status, "reason": error.reason}


if __name__ == "__main__":
    what, namespace, cache = sys.argv[1:]
    config.load_kube_config()
    steps = {one.__name__: one for one in (discovery, objects, watched, from_the_beginning, expired)}
    print(json.dumps(steps[what](namespace, cache)))
