/** Resources that the engine treats in a way of their own, by `plural.group`. */

export const namespaces = 'namespaces';
export const definitions = 'customresourcedefinitions.apiextensions.k8s.io';
export const volumes = 'persistentvolumes';
export const claims = 'persistentvolumeclaims';
