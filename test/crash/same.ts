/** Whether two people who wrote to each other have the same conversation. */

import assert from 'node:assert/strict';
import type { Message } from '../../src/chat/message.ts';
import { toHex } from '../../src/safety/bytes.ts';
import type { Person } from './person.ts';

/** A message as its author must see it, and whoever it was for. */
interface Seen {
  readonly id: string;
  readonly kind: Message['kind'];
  readonly text: string;
  readonly isEdited: boolean;
  readonly replyTo: string | null;
  /** In alphabetical order. */
  readonly reactions: readonly string[];
  readonly attachment: string | null;
}

/** What `author` wrote, as `viewer` has it, in the order of the viewer's history. */
export function written(author: Person, viewer: Person): Seen[] {
  const other = author === viewer ? otherOf(viewer) : author.id;
  return viewer
    .messages(other)
    .filter(({ mine, kind }) => mine === (author === viewer) && kind !== 'gap')
    .map((message) => seen(message, author === viewer));
}

const others = new WeakMap<Person, Uint8Array>();

/** Tells {@link written} whose conversation it is about. */
export function introduce(a: Person, b: Person): void {
  others.set(a, b.id);
  others.set(b, a.id);
}

function otherOf(person: Person): Uint8Array {
  return others.get(person) ?? assert.fail('nobody is introduced');
}

export function gaps(viewer: Person): Message[] {
  return viewer.messages(otherOf(viewer)).filter(({ kind }) => kind === 'gap');
}

/**
 * Throws where the conversation is not the same on both sides, or anything of it is missing, doubled or in doubt.
 * `lossy`: one of them lost data, and what its author has deleted need not come back as a line that says so: it is
 * nothing, or a gap.
 */
export function assertSame(a: Person, b: Person, { lossy = false } = {}): void {
  const isCompared = ({ kind }: Seen): boolean => !lossy || kind !== 'deleted';
  for (const [author, reader] of [
    [a, b],
    [b, a],
  ] as const) {
    assert.deepEqual(
      written(author, reader).filter(isCompared),
      written(author, author).filter(isCompared),
      `what ${author.name} wrote`,
    );
    const ids = written(author, reader).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, `${reader.name} was shown a message twice`);
    for (const [id, times] of reader.told) assert.equal(times, 1, `${reader.name} was told ${id} so often`);
    const seen = gaps(reader).map(({ missing }) => missing);
    const others = [...written(author, author), ...written(reader, author)];
    const deleted = lossy ? others.filter(({ kind }) => kind === 'deleted').length : 0;
    const isAllowed = seen.length <= deleted && seen.every((gap) => gap?.final === true);
    assert.ok(isAllowed, `${reader.name} sees gaps: ${JSON.stringify(seen)}`);
    assert.equal(reader.book.delivery.waiting(author.id), 0, `nothing of ${reader.name} waits`);
    const states = reader
      .messages(author.id)
      .filter(({ mine, kind }) => mine && kind !== 'deleted' && kind !== 'gap')
      .filter(({ state }) => state !== 'delivered' && state !== 'read')
      .map(({ state, kind, text, restored }) => ({ state, kind, text, restored }));
    assert.deepEqual(states, [], `${reader.name} knows that all of it arrived`);
  }
}

/** Whether everything has come to rest. */
export function isSettled(a: Person, b: Person): boolean {
  if (a.isDead || b.isDead) return false;
  return a.book.delivery.waiting(b.id) === 0 && b.book.delivery.waiting(a.id) === 0;
}

function seen(message: Message, isAuthor: boolean): Seen {
  const { id, kind, text, editedAt, replyTo, reactions, attachment } = message;
  return {
    id: toHex(id),
    kind,
    text,
    isEdited: editedAt !== null,
    replyTo: replyTo === null ? null : toHex(replyTo),
    reactions: reactions
      .map(({ by, emoji }) => `${(by === 'me') === isAuthor ? 'author' : 'reader'} ${emoji}`)
      .toSorted((x, y) => (x < y ? -1 : 1)),
    attachment:
      attachment === null ? null : `${attachment.name} ${attachment.sizeBytes} ${attachment.complete}`,
  };
}
