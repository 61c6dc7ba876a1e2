/** Where a message is and what it waits for, in words: `kith why`. */

import { equal } from '../safety/bytes.ts';
import type { Why } from './message.ts';
import type { Outbox, Reach, Waiting } from './outbox.ts';
import type { ChatTables, Filed } from './tables.ts';
import type { View } from './view.ts';

type Step = Why['steps'][number];

/** Why delivery holds something back, in words; without a way to them, {@link reach} says more. */
const CAUSES: Readonly<Record<string, string>> = {
  'device-changed': 'their device key has changed: compare safety words first (`kith verify`)',
  'no-current-bundle': 'their keys here are too old: theirs must come first',
  'session-refused': 'they lost the session; a new one is opened in a minute',
  unanswered: 'they have to answer the first message before more can go',
  'busy-there': 'their side is busy',
  'way-lost': 'the link to them was lost',
  'store-failed': 'the disk here refused a write (`kith doctor`)',
};

export interface WhyInit {
  readonly tables: ChatTables;
  readonly view: View;
  readonly outbox: Outbox;
  readonly reachOf: (contact: Uint8Array) => Reach;
}

export function why(init: WhyInit, filed: Filed): Why {
  const message = init.view.of(filed);
  const { place, row } = filed;
  const [steps, hint] = place.mine ? ofMine(init, filed) : ofTheirs(init, filed);
  if (message.disappearsAt !== null) steps.push({ at: message.disappearsAt, what: 'it disappears' });
  if (row.flags.has('broken'))
    steps.push({ at: null, what: 'it does not follow from the message before it' });
  if (row.flags.has('restored'))
    steps.push({ at: null, what: 'it came back from the other side after a restore' });
  return { message, steps, hint };
}

function ofMine(init: WhyInit, filed: Filed): [Step[], string] {
  const { place, row } = filed;
  const { state, cause } = init.view.of(filed);
  const steps: Step[] = [{ at: row.filedAt, what: 'saved here' }];
  if (init.view.isNotes(place.contact)) return [steps, 'Notes to yourself stay here.'];
  if (row.sentAt > 0) steps.push({ at: row.sentAt, what: 'encrypted' });
  if (row.deliveredAt > 0) steps.push({ at: row.deliveredAt, what: 'durably on their device' });
  if (row.readAt > 0) steps.push({ at: row.readAt, what: 'read' });
  if (state === 'delivered') return [steps, 'It is delivered; they have not read it, or do not say so.'];
  if (state === 'read') return [steps, 'It was read.'];
  if (cause === 'refused') {
    steps.push({ at: null, what: 'refused by the other side' });
    return [steps, 'Their kith does not take it: ask them to update, or to check their disk.'];
  }
  if (cause === 'ended') {
    steps.push({ at: null, what: 'the friendship ended before it arrived' });
    return [steps, 'Become friends again, then send it anew.'];
  }
  return waitingOf(init, filed, steps);
}

function waitingOf(init: WhyInit, { place, row }: Filed, steps: Step[]): [Step[], string] {
  const box = init.outbox.outbox(place.contact);
  const entry = box.find(({ key }) => equal(key, row.id));
  if (entry === undefined) {
    steps.push({ at: null, what: 'it waits in no outbox' });
    return [steps, 'Send it anew; this is a fault worth a report.'];
  }
  if (entry.attempts > 0)
    steps.push({ at: null, what: `on its way ${times(entry.attempts)}, without an answer yet` });
  const cause = entry.cause === null ? undefined : CAUSES[entry.cause];
  if (cause !== undefined) steps.push({ at: null, what: cause });
  const before = box.indexOf(entry);
  if (before > 0) steps.push({ at: null, what: `${before} others go before it` });
  return reach(init.reachOf(place.contact), steps, entry);
}

function reach(
  { connected, lastReachedAt, nextTryAt }: Reach,
  steps: Step[],
  entry: Waiting,
): [Step[], string] {
  if (connected) {
    steps.push({ at: null, what: 'connected' });
    return [steps, entry.state === 'sent' ? 'Their answer is on its way.' : 'It goes out in a moment.'];
  }
  steps.push(
    lastReachedAt === null
      ? { at: null, what: 'they were never reached so far' }
      : { at: lastReachedAt, what: 'last reached' },
  );
  if (nextTryAt !== null) steps.push({ at: nextTryAt, what: 'next try' });
  return [steps, 'It goes out as soon as both of you are online; keep `kith up` running.'];
}

function ofTheirs({ tables, view }: WhyInit, filed: Filed): [Step[], string] {
  const { place, row } = filed;
  const { missing, attachment } = view.of(filed);
  if (missing !== null) {
    const asked = tables.chain(place.contact, false, place.chain)?.row.asked ?? 0;
    const steps: Step[] = [{ at: row.filedAt, what: 'noticed that it is missing' }];
    if (missing.final) return [[...steps, { at: null, what: 'they hold it no more' }], 'It is lost.'];
    steps.push({ at: null, what: asked === 0 ? 'not asked for yet' : `asked for ${times(asked)}` });
    return [steps, 'It comes when they are online and still have it.'];
  }
  const steps: Step[] = [
    { at: row.time, what: 'written, by their clock' },
    { at: row.filedAt, what: 'received' },
  ];
  if (row.readAt > 0) steps.push({ at: row.readAt, what: 'read here' });
  if (row.flags.has('unproven')) steps.push({ at: null, what: 'its sender was not proven yet' });
  if (row.flags.has('damaged'))
    return [steps, 'The attachment is not what it was said to be: ask them to send it again.'];
  if (attachment?.complete === false) return [steps, 'The rest of the attachment is on its way.'];
  return [steps, 'It is here.'];
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
