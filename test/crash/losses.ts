/**
 * Stories of somebody who goes back in time while the other went on: a backup is restored, or the data file of an
 * earlier day put back. No key may be used twice, nothing shown twice, nothing stuck; what either side still holds has to
 * be on both in the end, and what neither holds has to be shown as a gap where anybody can know of it.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Message } from '../../src/chat/message.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { act } from './acts.ts';
import type { Image, Person } from './person.ts';
import { assertSame, gaps, introduce, written } from './same.ts';
import { type Friends, Story } from './story.ts';

/**
 * How somebody loses what was since. `backup-twice`: the same backup a second time, after writing on from the first.
 * `copied-file-silent`: who goes back has only read since. `gap`: the other has deleted a message since.
 */
export type Loss = 'backup' | 'backup-twice' | 'both-backups' | 'copied-file' | 'copied-file-silent' | 'gap';

export const LOSSES: readonly Loss[] = [
  'backup',
  'backup-twice',
  'both-backups',
  'copied-file',
  'copied-file-silent',
  'gap',
];

export interface LossInit {
  readonly seed: number;
  readonly dir: string;
  readonly friends: Friends;
  readonly loss: Loss;
  /** Who goes back. */
  readonly who: 'host' | 'asker';
  /** Somebody also crashes while they find together again. */
  readonly crash: boolean;
}

export async function lose(init: LossInit): Promise<void> {
  const { seed, dir, friends, loss, crash } = init;
  const story = new Story({ seed, dir, friends, point: Infinity });
  try {
    const [x, y] = init.who === 'host' ? story.people : (story.people.toReversed() as [Person, Person]);
    introduce(x, y);
    const path = (name: string): string => join(dir, `${seed}-${loss}-${init.who}-${name}.backup`);
    // what is deleted for both leaves gaps too
    const acts = loss !== 'gap';
    await talk(story, 4, null, acts);
    // waits in the backup, is delivered after it, and must not come a second time from there
    const isSilent = loss === 'copied-file-silent';
    story.wire.cut();
    story.write(x, y);
    if (isSilent) await story.settle();
    const back = await past(x, loss, path(x.name));
    const old = idsOf(x, y);
    await talk(story, 3, isSilent ? y : null, acts);
    const backToo = loss === 'both-backups' ? await past(y, loss, path(y.name)) : null;
    const older = idsOf(y, x);
    await talk(story, 3, isSilent ? y : null, acts);
    if (loss === 'gap') await drop(story, y, x);
    const held = new Set(backToo === null ? idsOf(y, x) : [...old, ...older]);
    // nobody but the disk that is lost ever had these
    story.wire.cut();
    story.write(x, y);
    story.write(x, y, 9_000);
    const lost = x.messages(y.id).slice(-2);
    story.write(y, x);
    await back();
    await backToo?.();
    if (loss === 'backup-twice') {
      await talk(story, 3);
      story.wire.cut();
      await back();
    }
    if (crash) story.world.fuse = story.world.steps + 1 + story.world.below(300);
    await story.settle();
    await talk(story, 4, null, acts);
    check(story, { x, y, held, lost, hasGap: loss === 'gap' });
  } finally {
    story.end();
  }
}

/** Remembers how it is now; call the result to go back there. */
async function past(person: Person, loss: Loss, path: string): Promise<() => Promise<void>> {
  if (loss !== 'copied-file' && loss !== 'copied-file-silent') {
    await person.backup(path);
    return () => person.restore(path);
  }
  const image: Image = person.image();
  return async () => person.restart(image);
}

/** Both write, in turns and at once, or `only` one does, and all of it arrives. */
async function talk(story: Story, rounds: number, only: Person | null = null, acts = true): Promise<void> {
  const { world } = story;
  for (let i = 0; i < rounds; i++) {
    story.revive();
    for (const [by, to] of [story.people, story.people.toReversed()] as [Person, Person][]) {
      if (only !== null && by !== only) continue;
      if (only !== null || by === story.host || world.chance() < 0.7)
        story.write(by, to, world.chance() < 0.2 ? 9_000 : 0);
    }
    if (only === null && acts) act(story, world.below(100));
    // one after the other
    // oxlint-disable-next-line no-await-in-loop
    if (world.chance() < 0.6) await story.settle();
  }
  await story.settle();
}

/** `y` deletes one of its messages that `x` has, only at home. */
async function drop(story: Story, y: Person, x: Person): Promise<void> {
  story.write(y, x);
  await story.settle();
  const found = y.messages(x.id).findLast(({ mine, kind }) => mine && kind === 'text');
  assert.ok(found !== undefined);
  await talk(story, 1, null, false);
  y.book.chat.delete(found.id, { onlyHere: true });
}

/** Of all lines but gaps, or of those of one kind. */
function idsOf(viewer: Person, other: Person, wanted?: Message['kind']): string[] {
  const lines = viewer
    .messages(other.id)
    .filter(({ kind }) => (wanted === undefined ? kind !== 'gap' : kind === wanted));
  return lines.map(({ id }) => toHex(id));
}

interface Found {
  readonly x: Person;
  readonly y: Person;
  readonly held: ReadonlySet<string>;
  readonly lost: readonly Message[];
  readonly hasGap: boolean;
}

function check(story: Story, { x, y, held, lost, hasGap }: Found): void {
  assert.equal(story.world.reused, 0, 'a key and nonce sealed two things');
  for (const viewer of [x, y]) {
    const other = viewer === x ? y : x;
    const ids = idsOf(viewer, other);
    assert.equal(new Set(ids).size, ids.length, `${viewer.name} is shown something twice`);
    const deleted = new Set([...idsOf(x, y, 'deleted'), ...idsOf(y, x, 'deleted')]);
    const missing = [...held].filter((id) => !ids.includes(id) && !deleted.has(id));
    assert.deepEqual(missing, [], `${viewer.name} has what was held`);
    for (const { id } of lost) assert.ok(!ids.includes(toHex(id)));
  }
  if (!hasGap) return assertSame(x, y, { lossy: true });
  const seen = gaps(x).map(({ missing }) => missing);
  assert.deepEqual(seen, [{ count: 1, final: true }], 'what neither holds is a gap');
  const texts = (viewer: Person): string[] =>
    written(y, viewer).flatMap(({ kind, text }) => (kind === 'deleted' ? [] : [text]));
  assert.deepEqual(texts(x), texts(y));
}
