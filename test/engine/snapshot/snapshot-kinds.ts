/** Names of the resources of snapshots, as `plural.group`. */
export const volumeSnapshots = 'volumesnapshots.snapshot.storage.k8s.io';
export const contents = 'volumesnapshotcontents.snapshot.storage.k8s.io';
export const groups = 'volumegroupsnapshots.groupsnapshot.storage.k8s.io';
export const groupContents = 'volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io';
export const groupClasses = 'volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io';
