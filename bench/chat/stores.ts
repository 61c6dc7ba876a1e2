/** Data directories as `kith up` opens them: of one person with one friend, and 100,000 messages with them or a few. */

import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContactId } from '../../src/delivery/face.ts';
import { befriend, Party } from './party.ts';
import { conversation, MESSAGES } from './texts.ts';

/** What a page shows: a store of so many is nearly empty, and has a whole page all the same. */
const FEW = 50;

export interface Stores {
  /** Data directory with {@link MESSAGES} messages. */
  readonly full: string;
  /** The same with one page. */
  readonly few: string;
  /** The same with no message. */
  readonly empty: string;
  readonly friend: ContactId;
}

/** Petname of the friend. */
export const FRIEND = 'friend';

export async function makeStores(dir: string, progress: (sentence: string) => void): Promise<Stores> {
  const at = (name: string): string => join(dir, name);
  const stores = { full: at('full'), few: at('few'), empty: at('empty') };
  const [self, other] = [await Party.open(stores.empty), await Party.open(at('other'))];
  const friend = other.id;
  await befriend(self, other);
  for (const party of [self, other]) party.close();
  for (const [path, count] of [
    [stores.few, FEW],
    [stores.full, MESSAGES],
  ] as const) {
    await copyStore(stores.empty, path);
    const party = await Party.open(path);
    const startedAt = performance.now();
    party.book.chat.import(conversation(friend, count));
    progress(`imported ${count} messages in ${Math.round(performance.now() - startedAt)} ms`);
    party.close();
  }
  return { ...stores, friend };
}

/** Copies a data directory that nobody has open. */
export async function copyStore(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  await cp(from, to, { recursive: true });
}
