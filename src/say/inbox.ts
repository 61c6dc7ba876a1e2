/**
 * The directory that holds what others said, one file a message, whole or not at all.
 *
 * Owner: the running node. Order of writes for a message: create `*.part`, append, datasync, rename, syncDir; only
 * then is it acknowledged. A crash leaves at most `*.part` files, which {@link Inbox.open} removes.
 */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Disk, DiskFile } from '../safety/disk.ts';
import { diskError } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import { INBOX_MAX_BYTES, INBOX_MAX_MESSAGES, SAY_MAX_BYTES } from './limits.ts';

const PART = '.part';

export interface InboxComponents {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface InboxLimits {
  readonly maxBytes: number;
  readonly maxMessages: number;
  readonly maxMessageBytes: number;
}

const DEFAULT_LIMITS: InboxLimits = {
  maxBytes: INBOX_MAX_BYTES,
  maxMessages: INBOX_MAX_MESSAGES,
  maxMessageBytes: SAY_MAX_BYTES,
};

/** A message on its way in. Exactly one of `keep` and `drop` must be called. */
export interface IncomingFile {
  /** False when a budget is used up: nothing was written and the message should be dropped. */
  append(bytes: Uint8Array): Promise<'written' | 'too-large' | 'inbox-full'>;
  /** Makes it durable under its final name and returns that path. */
  keep(): Promise<string>;
  drop(): Promise<void>;
}

export class Inbox {
  readonly #dir: string;
  readonly #components: InboxComponents;
  readonly #limits: InboxLimits;
  #usedBytes = 0;
  #messages = 0;

  constructor(dir: string, components: InboxComponents, limits: InboxLimits = DEFAULT_LIMITS) {
    this.#dir = dir;
    this.#components = components;
    this.#limits = limits;
  }

  /** Removes what a crash left half-written and counts what is there. */
  async open(): Promise<void> {
    this.#usedBytes = 0;
    this.#messages = 0;
    try {
      for (const name of await readdir(this.#dir)) {
        const path = join(this.#dir, name);
        if (name.endsWith(PART)) {
          await this.#components.disk.remove(path);
        } else {
          this.#usedBytes += (await stat(path)).size;
          this.#messages += 1;
        }
      }
    } catch (error) {
      throw diskError('opening the inbox', error);
    }
  }

  /** Starts a message. Throws DiskError when the file cannot be created. */
  async receive(): Promise<IncomingFile> {
    const { disk, clock, random } = this.#components;
    const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:]/g, '').replace('.', '-');
    const path = join(this.#dir, `${stamp}-${toHex(random(4))}`);
    const file = await disk.create(path + PART);
    this.#messages += 1;
    let sizeBytes = 0;
    let given = false;
    const giveBack = () => {
      if (given) return;
      given = true;
      this.#usedBytes -= sizeBytes;
      this.#messages -= 1;
    };
    return {
      append: async (bytes) => {
        if (sizeBytes + bytes.length > this.#limits.maxMessageBytes) return 'too-large';
        const full =
          this.#usedBytes + bytes.length > this.#limits.maxBytes || this.#messages > this.#limits.maxMessages;
        if (full) return 'inbox-full';
        this.#usedBytes += bytes.length; // before the write: messages arriving together share one budget
        sizeBytes += bytes.length;
        await file.append(bytes);
        return 'written';
      },
      keep: async () => {
        try {
          await this.#settle(file, path);
        } catch (error) {
          giveBack();
          for (const left of [path + PART, path]) {
            await disk.remove(left).catch(() => {}); // the first failure is the one to report
          }
          throw error;
        }
        return path;
      },
      drop: async () => {
        giveBack();
        await file.close().catch(() => {}); // it is removed next
        await disk.remove(path + PART);
      },
    };
  }

  async #settle(file: DiskFile, path: string): Promise<void> {
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.#components.disk.rename(path + PART, path);
    await this.#components.disk.syncDir(this.#dir);
  }
}
