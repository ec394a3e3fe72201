/** What the soak writes and watches. */

export const path = '/api/v1/namespaces/default/configmaps';

/** The size of an ordinary object. */
const filling = 'x'.repeat(1500);

/** `token` tells one write from every other. */
export function objectOf(name: string, token: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { token, filling } };
}

export interface Change {
  readonly rv: number;
  readonly type: string;
  readonly name: string;
  readonly token: string;
}

/** Of one line of a watch, or of the text of one object; cheaper than to parse it. */
export function changeIn(text: string): Change {
  const part = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
  return {
    rv: Number(part(/"resourceVersion":"(\d+)"/)),
    type: part(/^\{"type":"([A-Z]+)"/),
    name: part(/"name":"([^"]+)"/),
    token: part(/"token":"([^"]+)"/),
  };
}
