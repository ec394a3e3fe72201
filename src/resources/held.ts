/** The hold of a Backup, as it stands in its status. */
import { object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';

export const reasonOfHold = text('Why it is held, for people.', { maxLength: 1024 });

export const hold = object('Keeps the backup from expiry and deletion. It is set and lifted by the subresource hold alone.', {
  reason: optional(reasonOfHold),
  since: time('Since when it is held.'),
  by: text('Name of the user who holds it, or gave the reason last.'),
});

export type Hold = Static<typeof hold>;

/** Why a Backup may not be deleted now; undefined where it is not held. */
export function refusalOfHeld({ status }: { readonly status?: { readonly hold?: Hold } }): string | undefined {
  const held = status?.hold;
  if (!held) return undefined;
  return `it is held by ${held.by} since ${held.since}${held.reason ? `: ${held.reason}` : ''} (lift the hold to delete it)`;
}
