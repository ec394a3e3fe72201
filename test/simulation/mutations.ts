/**
 * Mistakes that one could make in the catalog. The simulation must find each of them: one that it does not find shows a hole in
 * what is checked, or in what the plans make happen.
 */

interface Patch {
  /** From the top of the project. */
  readonly file: string;
  /** Is there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  readonly what: string;
  readonly patches: readonly Patch[];
}

const commit = 'src/catalog/writing/commit.ts';
const log = 'src/catalog/log/log.ts';
const catalog = 'src/catalog/catalog.ts';
const warm = 'src/catalog/local-index/warm-objects.ts';
const watch = 'src/catalog/reading/watch.ts';

const noTally: readonly Patch[] = [
  {
    file: 'src/catalog/checkpoint/checkpoint-format.ts',
    find: 'if (fault !== undefined) throw new CheckpointFault(`would not be whole: ${fault}`);',
    replace: '',
  },
  {
    file: 'src/catalog/checkpoint/checkpoint-format.ts',
    find: 'if (fault !== undefined) throw new CheckpointFault(`is not whole: ${fault}`);',
    replace: '',
  },
];

export const mutations: readonly Mutation[] = [
  {
    name: 'own write is not known',
    what: 'A segment that is found in the slot is always taken for that of another.',
    patches: [{ file: log, find: "if (Buffer.from(bytes).equals(found)) return { is: 'committed' };", replace: '' }],
  },
  {
    name: 'exists means conflict',
    what: 'The answer that the slot is taken is believed without reading it.',
    patches: [
      {
        file: log,
        find: "if (answer === 'created') return { is: 'committed' };",
        replace: "if (answer === 'created') return { is: 'committed' };\n    if (answer === 'exists') return { is: 'taken' };",
      },
    ],
  },
  {
    name: 'conflict means committed',
    what: 'A slot that somebody else has filled is taken for the own success.',
    patches: [{ file: log, find: ": { is: 'taken' };", replace: ": { is: 'committed' };" }],
  },
  {
    name: 'damage means conflict',
    what: 'Bytes that were damaged on the way are taken for the segment of another.',
    patches: [{ file: log, find: "return segment instanceof Error ? { is: 'unknown', cause: segment } :", replace: 'return' }],
  },
  {
    name: 'renumbered without checking again',
    what: 'After a lost race, changes get new numbers on the strength of the state before it.',
    patches: [
      {
        file: commit,
        find: '        (key) => state.get(key),',
        replace: `        (key) => {
          const memory: Map<string, ReturnType<State['get']>> = ((writes[0] as unknown as { memory: Map<string, ReturnType<State['get']>> }).memory ??= new Map());
          const id = JSON.stringify(key);
          if (!memory.has(id)) memory.set(id, state.get(key));
          return memory.get(id);
        },`,
      },
    ],
  },
  {
    name: 'refused without asking',
    what: 'A change is refused on the strength of a state that may be old.',
    patches: [
      {
        file: commit,
        find: `      await follower.refresh(this.#closing.signal);
      if (state.head.n !== staged.head.n) staged = await this.#stage(writes);`,
        replace: '',
      },
    ],
  },
  {
    name: 'acknowledged too early',
    what: 'Callers are answered before the segment is in its slot.',
    patches: [
      {
        file: commit,
        find: 'if (staged.records.length > 0 && !(await this.#put(staged, writes))) return false;',
        replace: `if (staged.records.length > 0) {
      for (const [i, write] of writes.entries()) write.settle(staged.replies[i] ?? new StorageUnknown('no reply'));
      if (!(await this.#put(staged, writes))) return false;
    }`,
      },
    ],
  },
  {
    name: 'new bytes after an unknown outcome',
    what: 'The writer goes on with other changes for a slot of which it does not know whether it has filled it.',
    patches: [{ file: commit, find: 'while (!this.#closing.signal.aborted) {', replace: 'for (let i = 0; i < 0; i++) {' }],
  },
  {
    name: 'unknown means refused',
    what: 'Callers of a write that may have happened are told that it has not.',
    patches: [
      {
        file: commit,
        find: 'write.settle(new StorageUnknown(`the change may have been written or not: ${cause}`))',
        replace: 'write.settle(new StorageUnavailable(`not written: ${cause}`))',
      },
    ],
  },
  {
    name: 'refused though it may land',
    what: 'No room now is taken for the last word, though an earlier try of the same bytes may still arrive.',
    patches: [{ file: log, find: 'isRefusal && !attempt.mayLand', replace: 'isRefusal' }],
  },
  {
    name: 'a retry below',
    what: 'The SDK tries a put again by itself and tells only the last answer.',
    patches: [
      {
        file: log,
        find: 'this.#request((signal) => this.#store.putIfAbsent(this.key(attempt.n), attempt.bytes, signal))',
        replace: `[0, 1].reduce<Promise<'created' | 'exists'>>(
        (before) => before.catch(() => this.#request((signal) => this.#store.putIfAbsent(this.key(attempt.n), attempt.bytes, signal))),
        Promise.reject(new Error('not tried yet')),
      )`,
      },
    ],
  },
  {
    name: 'update without its number',
    what: 'An update is done whatever number the object is at.',
    patches: [
      {
        file: 'src/catalog/writing/stage.ts',
        find: 'return before.rv === change.expect ?',
        replace: "return change.op === 'update' || before.rv === change.expect ?",
      },
    ],
  },
  {
    name: 'probe joined too late',
    what: 'A reader is content with a look at the log that began before it asked.',
    patches: [
      {
        file: 'src/catalog/log/shared-run.ts',
        find: 'this.#next ??= this.#start(this.#running);',
        replace: 'if (this.#running !== undefined) return this.#running;\n    this.#next ??= this.#start(this.#running);',
      },
    ],
  },
  {
    name: 'get without asking',
    what: 'A get is answered from what this process knows.',
    patches: [
      {
        file: catalog,
        find: '    await this.#parts.follower.refresh(signal);\n    return this.peek(key);',
        replace: '    return this.peek(key);',
      },
    ],
  },
  {
    name: 'pages of different numbers',
    what: 'Each page of a list is of the newest number.',
    patches: [{ file: catalog, find: "typeof query.at === 'object' && query.at.exact ? query.at.rv : view.rv", replace: 'view.rv' }],
  },
  {
    name: 'list without a snapshot',
    what: 'A list reads an index that goes on under it.',
    patches: [
      {
        file: 'src/catalog/local-index/index-view.ts',
        find: 'translated(() => kv.snapshot())',
        replace:
          '{ get: (key) => kv.get(key), entries: (bounds, limit) => kv.entries(bounds, limit), keys: (bounds) => kv.keys(bounds), close: async () => {} }',
      },
    ],
  },
  {
    name: 'memory misses a change',
    what: 'Lists read from memory what was there when it was read into it.',
    patches: [{ file: warm, find: 'if (before) kept.set(resource, before.with(some));', replace: '' }],
  },
  {
    name: 'memory misses what came meanwhile',
    what: 'What is written while objects are read into memory is not in it.',
    patches: [{ file: warm, find: 'found.with(changes)', replace: 'found' }],
  },
  {
    name: 'watch with a gap',
    what: 'Between the last look at the history and the first live event, something else is waited for.',
    patches: [
      {
        file: watch,
        find: '  // In the same tick:',
        replace: '  await pieceOf(state.view(), query, Math.max(since, state.head.horizon));\n  // In the same tick:',
      },
    ],
  },
  {
    name: 'watch with a double',
    what: 'A watch is live before it has read the history, and sends both.',
    patches: [
      {
        file: watch,
        find: '  let since = query.since;\n',
        replace: '  let since = query.since;\n  const watcher = state.hub.add(query);\n',
      },
      { file: watch, find: '  const watcher = state.hub.add({ ...query, since });\n', replace: '' },
    ],
  },
  {
    name: 'history shows the newest text',
    what: 'An old change is shown with the text that the object has now.',
    patches: [
      {
        file: 'src/catalog/local-index/index-view.ts',
        find: 'return current?.rv === rv ? current.json :',
        replace: 'return current !== undefined ? current.json :',
      },
    ],
  },
  {
    name: 'delete forgets the last text',
    what: 'What an object was before it was deleted is not kept.',
    patches: [
      {
        file: 'src/catalog/state/apply.ts',
        find: 'if (before !== undefined) ops.push(',
        replace: "if (before !== undefined && op !== 'delete') ops.push(",
      },
    ],
  },
  {
    name: 'horizon stays',
    what: 'History is removed, and the horizon does not say so.',
    patches: [
      {
        file: 'src/catalog/state/state.ts',
        find: 'const head = { ...effect.head, horizon: pruned.horizon };',
        replace: 'const head = effect.head;',
      },
    ],
  },
  {
    name: 'too old is not told',
    what: 'A watch from before the horizon gets what is left.',
    patches: [{ file: watch, find: 'if (since < view.horizon)', replace: 'if (since < 0)' }],
  },
  {
    name: 'too old a list is not told',
    what: 'A list at a number before the horizon shows what is left of it.',
    patches: [{ file: catalog, find: 'if (rv >= view.horizon) return view;', replace: 'if (rv > 0) return view;' }],
  },
  {
    name: 'history pruned too early',
    what: 'The number of changes to keep is not looked at.',
    patches: [{ file: 'src/catalog/state/prune.ts', find: 'head.rv - window.changes - head.horizon', replace: 'head.rv - head.horizon' }],
  },
  {
    name: 'index not atomic',
    what: 'Entries and the place where the index stands are written one after the other.',
    patches: [
      {
        file: 'src/catalog/local-index/index-store.ts',
        find: 'await this.#kv.batch([...ops, this.#metaOf(head)]);',
        replace: 'await this.#kv.batch([this.#metaOf(head)]);\n    await this.#kv.batch(ops);',
      },
    ],
  },
  {
    name: 'holes in the index',
    what: 'An index that has lost some of its batches is used, and not looked through later either.',
    patches: [
      {
        file: 'src/catalog/local-index/index-store.ts',
        find: 'head !== undefined && (await hasRecent(kv, head))',
        replace: 'head !== undefined',
      },
      { file: 'src/catalog/local-index/index-proof.ts', find: 'if (fault !== undefined) await', replace: 'if (fault === null) await' },
    ],
  },
  {
    name: 'segments not checked',
    what: 'The hashes of a segment, and those that chain it to the one before, are not compared.',
    patches: [
      { file: 'src/catalog/log/segment.ts', find: 'if (header.sha256 !== sha256(body))', replace: 'if (header.v < 0)' },
      { file: 'src/catalog/log/segment.ts', find: 'if (!found.equals(', replace: 'if (bytes.length === 0 && !found.equals(' },
      { file: 'src/catalog/state/apply.ts', find: 'if (header.prev !== head.hash)', replace: 'if (header.n < 0)' },
      { file: 'src/catalog/state/apply.ts', find: 'if (header.digest !== digestText(head.digest))', replace: 'if (header.n < 0)' },
    ],
  },
  {
    name: 'digest forgets deletes',
    what: 'What is deleted stays in the digest of the state.',
    patches: [
      {
        file: 'src/catalog/state/apply.ts',
        find: 'const without = before === undefined ? digest :',
        replace: 'const without = before === undefined || after === undefined ? digest :',
      },
    ],
  },
  {
    name: 'checkpoint of two states',
    what: 'A checkpoint says that it stands where the process stands, and has what its view of the index has.',
    patches: [
      {
        file: 'src/catalog/checkpoint/checkpointer.ts',
        find: 'const { head } = view;',
        replace: 'await clock.sleep(30, signal);\n      const { head } = state;',
      },
      ...noTally,
    ],
  },
  {
    name: 'checkpoint leaves something out',
    what: 'An entry of a checkpoint is not written, and nobody notices.',
    patches: [
      {
        file: 'src/catalog/checkpoint/checkpoint-format.ts',
        find: 'if (lines.length > 0) yield await packed(lines, tally);',
        replace: 'if (lines.length > 1) yield await packed(lines.slice(1), tally);',
      },
      ...noTally,
    ],
  },
  {
    name: 'one checkpoint is enough',
    what: 'Older checkpoints are deleted at once.',
    patches: [{ file: 'src/catalog/checkpoint/checkpointer.ts', find: 'const mostKept = 3;', replace: 'const mostKept = 1;' }],
  },
  {
    name: 'loss not noticed',
    what: 'Nobody looks whether the newest segment that was seen is still there.',
    patches: [
      { file: 'src/catalog/rollback/rollback.ts', find: 'if (n === 0) return undefined;', replace: 'if (n >= 0) return undefined;' },
    ],
  },
  {
    name: 'anchor not asked',
    what: 'A process that has lost its index takes an older log for the whole.',
    patches: [{ file: catalog, find: 'await checkRemembered(segments, marker, seen);', replace: '' }],
  },
  {
    name: 'lost beginning not noticed',
    what: 'A log without its first segments is used.',
    patches: [{ file: catalog, find: 'await checkWhole(segments, state.head);', replace: '' }],
  },
];

/** Throws when there is none of that name. */
export function mutationNamed(name: string): Mutation {
  const found = mutations.find((mutation) => mutation.name === name);
  if (found === undefined) throw new Error(`there is no mutation "${name}", but: ${mutations.map(({ name }) => name).join(', ')}`);
  return found;
}
