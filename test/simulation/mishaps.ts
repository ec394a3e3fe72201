/** What can happen to one request on its way to the store and back, by name. */

export type RequestKind = 'put' | 'read' | 'list' | 'delete';

export interface Mishap {
  /** How often the request takes effect in the store: a put that takes effect `never` is lost on its way there. */
  readonly arrives: 'never' | 'once' | 'twice';
  /** Whether it arrives in time, or only after the time that the step names, maybe after its process has died. */
  readonly isLate: boolean;
  /** `none`: no answer ever. `early`: an error though the request is still on its way. `late`: the true answer after that time. */
  readonly answer: 'true' | 'none' | 'error' | 'early' | 'late' | 'full' | 'denied' | 'exists' | 'cut' | 'flipped' | 'missing' | 'stale';
  /** The process dies at the moment in which the request arrives, or soon after it has sent it if it is late. */
  readonly kills: boolean;
}

const well: Mishap = { arrives: 'once', isLate: false, answer: 'true', kills: false };

const puts = {
  'answer lost': { ...well, answer: 'none' },
  'error after it was done': { ...well, answer: 'error' },
  'request lost': { ...well, arrives: 'never', answer: 'none' },
  'error, not done': { ...well, arrives: 'never', answer: 'error' },
  'error, done much later': { ...well, isLate: true, answer: 'early' },
  'no answer, done much later': { ...well, isLate: true, answer: 'none' },
  'much later': { ...well, isLate: true },
  'answer much later': { ...well, answer: 'late' },
  'arrives twice': { ...well, arrives: 'twice' },
  'exists, by its own doing': { ...well, answer: 'exists' },
  'no room': { ...well, arrives: 'never', answer: 'full' },
  'no right': { ...well, arrives: 'never', answer: 'denied' },
  'dies when it arrives': { ...well, kills: true },
  'dies, done much later': { ...well, isLate: true, answer: 'none', kills: true },
} as const satisfies Record<string, Mishap>;

const reads = {
  error: { ...well, arrives: 'never', answer: 'error' },
  'no answer': { ...well, answer: 'none' },
  'much later': { ...well, isLate: true },
  'answer much later': { ...well, answer: 'late' },
  'cut off': { ...well, answer: 'cut' },
  'a bit flipped': { ...well, answer: 'flipped' },
  'a checkpoint missing': { ...well, answer: 'missing' },
  dies: { ...well, kills: true },
} as const satisfies Record<string, Mishap>;

const lists = {
  error: { ...well, arrives: 'never', answer: 'error' },
  'no answer': { ...well, answer: 'none' },
  'answer much later': { ...well, answer: 'late' },
  'an old page': { ...well, answer: 'stale' },
  dies: { ...well, kills: true },
} as const satisfies Record<string, Mishap>;

const deletes = {
  error: { ...well, arrives: 'never', answer: 'error' },
  'answer lost': { ...well, answer: 'none' },
  'error, done much later': { ...well, isLate: true, answer: 'early' },
  dies: { ...well, kills: true },
} as const satisfies Record<string, Mishap>;

export const mishaps: Readonly<Record<RequestKind, Readonly<Record<string, Mishap>>>> = {
  put: puts,
  read: reads,
  list: lists,
  delete: deletes,
};

/** What waits for the next requests of one replica. */
export interface Armed {
  readonly kind: RequestKind;
  readonly name: string;
  /** Only requests for keys that hold this text. */
  readonly part: string;
  /** Milliseconds that late things take. */
  readonly ms: number;
  /** Requests that it lets pass first. */
  skip: number;
}

/** For how long, in virtual time, the requests of a replica fail, and how often. */
export interface Storm {
  readonly until: number;
  /** Percent. */
  readonly rate: number;
  readonly names: Readonly<Record<RequestKind, readonly string[]>>;
}
