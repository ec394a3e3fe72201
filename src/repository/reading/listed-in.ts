/** What an index file of restic lists: `{"packs":[{"id":…,"blobs":[…]}]}`, blob by blob, since it may list a million. */
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { JsonCursor } from './json-cursor.ts';
import type { NewPlace } from './places.ts';
import { idWords } from './places.ts';
import { sealBytes } from './sealed.ts';
import { isId } from './stored-files.ts';

const [packsName, blobsName, idName, offsetName, lengthName, expandedName] = [
  'packs',
  'blobs',
  'id',
  'offset',
  'length',
  'uncompressed_length',
].map((name) => Buffer.from(name)) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

const idDigits = 64;
const longest = 2 ** 32 - 1;

/** Always the same object, which is another blob with each turn. `key` names the file in errors. Throws StoreDamaged. */
export function* listedIn(text: Buffer, key: string): Generator<NewPlace> {
  const cursor = new JsonCursor(text);
  const blob = { pack: '', id: new Uint32Array(idWords), offset: 0, length: 0, expandedLength: 0 };
  try {
    for (const _ of listsOfBlobs(cursor, blob))
      while (cursor.nextItem()) {
        passBlob(cursor, blob);
        yield blob;
      }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StoreDamaged(`${key}: what is in it is no index of restic's`, { cause: error });
  }
}

type Blob = { -readonly [field in keyof NewPlace]: NewPlace[field] };

/** The cursor is in the list of one pack after the other, and has to be led out of it. */
function* listsOfBlobs(cursor: JsonCursor, blob: Blob): Generator<undefined> {
  for (cursor.enterObject(); goesToPacks(cursor);)
    for (cursor.enterArray(); cursor.nextItem();)
      for (cursor.enterObject(); goesToBlobs(cursor, blob);) {
        cursor.enterArray();
        yield undefined;
      }
}

/** False where the file ends. */
function goesToPacks(cursor: JsonCursor): boolean {
  while (cursor.nextMember()) {
    if (cursor.isText(packsName)) return true;
    cursor.passValue();
  }
  return false;
}

/** False where the pack ends. In front of its blobs stands how it is called. */
function goesToBlobs(cursor: JsonCursor, blob: Blob): boolean {
  while (cursor.nextMember()) {
    if (cursor.isText(blobsName)) return true;
    if (cursor.isText(idName)) blob.pack = packIn(cursor);
    else cursor.passValue();
  }
  blob.pack = '';
  return false;
}

function packIn(cursor: JsonCursor): string {
  const id = cursor.passText().passedText;
  return isId(id) ? id : '';
}

function passBlob(cursor: JsonCursor, blob: Blob): void {
  let hasId = false;
  blob.offset = -1;
  blob.length = -1;
  blob.expandedLength = 0;
  for (cursor.enterObject(); cursor.nextMember();) {
    if (cursor.isText(idName)) {
      cursor.passDigits(idDigits, blob.id);
      hasId = true;
    } else if (cursor.isText(offsetName)) blob.offset = cursor.passCount();
    else if (cursor.isText(lengthName)) blob.length = cursor.passCount();
    else if (cursor.isText(expandedName)) blob.expandedLength = cursor.passCount();
    else cursor.passValue();
  }
  if (!hasId || !isPlace(blob)) throw new RangeError('it has a blob that cannot be');
}

const isPlace = ({ pack, offset, length, expandedLength }: NewPlace) =>
  pack !== '' && isLength(offset) && isLength(length) && length >= sealBytes && isLength(expandedLength);

const isLength = (value: number) => value >= 0 && value <= longest;
