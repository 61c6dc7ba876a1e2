/**
 * What `kith up` prints while a node runs. Of people only that something happened: these lines may end in a journal, and
 * who writes to whom, and what, belongs into the store alone.
 */

import { open } from 'node:fs/promises';
import type { KithEvent, OverlayStatus } from '../node/face.ts';
import type { FriendView, PeopleEvent } from '../node/people-face.ts';
import { toHex } from '../safety/bytes.ts';
import type { Received } from '../say/receive.ts';
import type { TorStatus } from '../transport-tor/tor/status.ts';
import { onionOf } from '../wire/onion.ts';
import { duration, harmless, type Output, size } from './output.ts';

/** What a person is told about the overlay; the other states pass. */
const SENTENCES: { readonly [K in OverlayStatus['state']]?: string } = {
  alone:
    'This node knows nobody to enter the overlay through: kith peers add <onion of a public node>. Friends are reached all the same.',
  joined: 'In the overlay.',
  failed: 'The overlay does not run',
};

/** Messages up to this size (bytes) are shown; larger ones are only named. */
const SHOW_MAX_BYTES = 2000;

/** Turns node events into lines, each once and in the order they came. */
export class UpLines {
  readonly #output: Output;
  readonly #states = new Map<string, string>();
  #last = '';
  #overlayState: OverlayStatus['state'] = 'stopped';
  #overlayOnion: string | null = null;
  /** Resolves when everything that happened has been printed. */
  finished: Promise<void> = Promise.resolve();

  constructor(output: Output) {
    this.#output = output;
  }

  event(event: KithEvent): void {
    switch (event.kind) {
      case 'tor':
        return this.#tor(event.status);
      case 'overlay':
        return this.#overlay(event.status);
      case 'reachable':
        return this.#reachable(event.tookMs);
      case 'refused': {
        const { status } = event;
        return this.#output.event('refused', { status }, `Something could not be kept: ${status}.`);
      }
      case 'received': {
        const { received } = event;
        this.finished = this.finished.then(() => this.#received(received));
        return;
      }
      case 'dialed':
      case 'delivered': // for metrics
    }
  }

  /** Who is there already, and so no news. */
  known(friends: readonly FriendView[]): void {
    for (const { id, state } of friends) this.#states.set(id, state);
  }

  people(event: PeopleEvent): void {
    if (event.kind === 'message' && !event.message.mine) {
      this.#output.event(
        'message',
        {},
        'A message has come. From whom: kith friends. To read and answer: kith chat <name>',
      );
    } else if (event.kind === 'friend' && event.friend.state !== this.#states.get(event.friend.id)) {
      this.#states.set(event.friend.id, event.friend.state);
      if (event.friend.state === 'asking') {
        this.#output.event('asked', {}, 'Somebody asks to be your friend. Who: kith requests');
      } else if (event.friend.state === 'friend') {
        this.#output.event('befriended', {}, 'You have a new friend. Who: kith friends');
      }
    }
  }

  #tor(status: TorStatus): void {
    const { state, progress, summary, cause } = status;
    const line = `tor ${state} ${progress} % ${summary}${cause === undefined ? '' : ` (${cause})`}`;
    if (line === this.#last) return;
    this.#last = line;
    this.#output.progress('tor', { state, progress, summary, cause }, line);
  }

  #overlay({ state, role, onion, epoch, peers, cause }: OverlayStatus): void {
    const sentence = state === 'alone' && role === 'public' ? null : SENTENCES[state];
    if (state !== this.#overlayState && sentence !== undefined) {
      const why = cause === null ? '' : `: ${cause}`;
      this.#output.event('overlay', { state, role, onion, epoch, peers, cause }, sentence && sentence + why);
    }
    if (onion !== null && onion !== this.#overlayOnion) {
      const entry = `Overlay address of this public node; others enter with: kith peers add ${onion}`;
      if (role === 'public') this.#output.event('public', { onion }, entry);
      else this.#output.event('handle', { onion, epoch }, null);
    }
    this.#overlayState = state;
    this.#overlayOnion = onion;
  }

  #reachable(tookMs: number): void {
    this.#output.event(
      'reachable',
      { tookMs },
      `Friends can reach you (after ${duration(tookMs)}). To meet somebody: kith invite`,
    );
  }

  async #received({ from, path, sizeBytes, digest }: Received): Promise<void> {
    const sender = `${onionOf(from).host}.onion`;
    const text = sizeBytes <= SHOW_MAX_BYTES ? await shownText(path) : null;
    this.#output.event(
      'received',
      { from: sender, path, sizeBytes, sha256: toHex(digest) },
      `${sender} sent ${size(sizeBytes)}: ${text ?? path}`,
    );
  }
}

/** The file as text that is safe on a terminal, or null when it is not text. */
async function shownText(path: string): Promise<string | null> {
  try {
    const file = await open(path);
    try {
      return harmless(new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile())).trimEnd();
    } finally {
      await file.close();
    }
  } catch {
    return null; // not text, or already taken out of the inbox
  }
}
