import { describe, expect, it } from 'vitest';
import { inRestoreOrder } from '../../../src/engine/restore/order.ts';

describe('inRestoreOrder', () => {
  it('restores first what others need and last what may turn others away', () => {
    const wanted = [
      'namespaces',
      'customresourcedefinitions.apiextensions.k8s.io',
      'persistentvolumes',
      'persistentvolumeclaims',
      'roles.rbac.authorization.k8s.io',
      'serviceaccounts',
      'rolebindings.rbac.authorization.k8s.io',
      'secrets',
      'configmaps',
      'services',
      'pods',
      'replicasets.apps',
      'deployments.apps',
      'widgets.example.com',
      'resourcequotas',
      'apiservices.apiregistration.k8s.io',
      'mutatingwebhookconfigurations.admissionregistration.k8s.io',
      'validatingwebhookconfigurations.admissionregistration.k8s.io',
    ];
    expect(inRestoreOrder(wanted.toReversed())).toEqual(wanted);
  });
});
