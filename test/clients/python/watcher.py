"""An operator in kopf that says on standard output what becomes of Backups. Its first try at each new one fails, as some do."""

import kopf

BACKUPS = ("backup.kylon.io", "v1alpha1", "backups")


def say(text):
    print(text, flush=True)


@kopf.on.create(*BACKUPS)
def created(name, retry, **_):
    if retry == 0:
        say(f"failed {name}")
        raise kopf.TemporaryError("once", delay=0.5)
    say(f"created {name}")


@kopf.on.update(*BACKUPS, field="spec.ttl")
def updated(name, old, new, **_):
    say(f"updated {name} from {old} to {new}")


@kopf.on.field(*BACKUPS, field="metadata.labels")
def labelled(name, new, **_):
    say(f"labelled {name} {(new or {}).get('stage')}")


@kopf.on.delete(*BACKUPS)
def deleted(name, **_):
    say(f"deleted {name}")
