/** How a PersistentVolumeClaim wants its volume: https://kubernetes.io/docs/concepts/storage/persistent-volumes/ */

export const accessModes = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'] as const;
export const volumeModes = ['Filesystem', 'Block'] as const;
