/**
 * What Kubernetes accepts as a name, a label or a key of one, with its words for what it does not.
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/util/validation/validation.go
 */

type Check = (text: string) => readonly string[];

const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`;
const partPattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const valuePattern = `(${partPattern})?`;

const labelForm = new RegExp(`^${labelPattern}$`);
const subdomainForm = new RegExp(`^${subdomainPattern}$`);
const partForm = new RegExp(`^${partPattern}$`);
const valueForm = new RegExp(`^${valuePattern}$`);

/** Most names: RFC 1123 subdomains. */
export const subdomainFaults: Check = (text) => [
  ...tooLong(text, 253),
  ...unlessForm(
    subdomainForm,
    text,
    `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomainPattern}')`,
  ),
];

/** Names of namespaces and of what becomes a host name: RFC 1123 labels. */
export const labelNameFaults: Check = (text) => [
  ...tooLong(text, 63),
  ...unlessForm(
    labelForm,
    text,
    `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${labelPattern}')`,
  ),
];

/** Names of which all that matters is that they fit into a path: those of roles. */
export const pathNameFaults: Check = (text) => {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);
};

/** Keys of labels and annotations, and names of finalizers: `name` or `example.io/name`. */
export const qualifiedNameFaults: Check = (text) => {
  const parts = text.split('/');
  if (parts.length > 2) return [malformedName];
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined;
  return [...(prefix === undefined ? [] : prefixFaults(prefix)), ...partFaults(parts.at(-1) ?? '')];
};

export const labelValueFaults: Check = (text) => [
  ...tooLong(text, 63),
  ...unlessForm(
    valueForm,
    text,
    `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${valuePattern}')`,
  ),
];

const partDetail = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${partPattern}')`;
const malformedName = `a qualified name ${partDetail} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;

function prefixFaults(prefix: string): readonly string[] {
  return prefix ? subdomainFaults(prefix).map((fault) => `prefix part ${fault}`) : ['prefix part must be non-empty'];
}

function partFaults(part: string): readonly string[] {
  if (!part) return ['name part must be non-empty', `name part ${partDetail}`];
  return [...tooLong(part, 63).map((fault) => `name part ${fault}`), ...unlessForm(partForm, part, `name part ${partDetail}`)];
}

function tooLong(text: string, limit: number): readonly string[] {
  return Buffer.byteLength(text) > limit ? [`must be no more than ${limit} bytes`] : [];
}

function unlessForm(form: RegExp, text: string, fault: string): readonly string[] {
  return form.test(text) ? [] : [fault];
}
