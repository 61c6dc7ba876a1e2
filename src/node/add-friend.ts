/** From an invite to a request at the other side: the door, the bundle behind it, and what came of the knock. */

import type { ContactId } from '../delivery/face.ts';
import { fetchBundle } from '../friends/door/door-client.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { KithError } from '../safety/errors.ts';
import { onionOf } from '../wire/onion.ts';
import type { People } from './people.ts';

/** A person waits as long for a request to arrive through Tor before it goes on without them. */
const ADD_PATIENCE_MS = 60_000;

export interface AddOptions {
  /** Petname. */
  readonly name?: string;
  readonly note?: string;
  readonly signal?: AbortSignal;
}

/**
 * Saves a request and waits {@link ADD_PATIENCE_MS} for it to arrive; after that it goes out when it can. Throws what
 * reading the invite, the dial and the bundle do, and INVITE_REFUSED where the door will not have it: then a contact that
 * is new goes again, one that was asked before stays as asked, and no history is touched.
 */
export async function addFriend(people: People, uri: string, options: AddOptions): Promise<ContactId> {
  const { book, init, knocks, links } = people;
  const { name, note, signal } = options;
  const invite = book.friends.readInvite(uri);
  const { channels, random, clock } = init;
  const dial = { channels, provider: nodeProvider, random, clock };
  const bundle = await fetchBundle(dial, onionOf(invite.onionKey), signal);
  const isNew = book.friends.get(invite.fingerprint) === null;
  const { id, state } = book.befriending(invite.fingerprint, () =>
    book.friends.request(invite, bundle, {
      ...(name === undefined ? {} : { name }),
      ...(note === undefined ? {} : { note }),
      myName: book.profile.own().name,
    }),
  );
  init.onEntryPoints(invite.entryPoints);
  if (state === 'friend') {
    links.want(id, true);
    return id;
  }
  knocks.want(id);
  if (await isRefused(people, id, signal)) {
    if (isNew) book.remove(id, { history: false });
    throw new KithError('INVITE_REFUSED', 'this invite lets nobody in any more', {
      hint: 'It was used by somebody, or closed. Ask for another one.',
    });
  }
  return id;
}

/** Resolves when the request has arrived, was refused, or patience ends: whether it was refused. */
async function isRefused(
  { book, events, init }: People,
  id: ContactId,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const over = new AbortController();
  const until = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const look = (): void => {
    const contact = book.friends.get(id);
    // one that was asked before has heard of us already, but not of this
    const hasArrived = contact?.arrived === true && book.delivery.waiting(id) === 0;
    if (contact?.state !== 'requested' || hasArrived || contact.refused) over.abort(new Error('answered'));
  };
  const unlisten = events.listen(look);
  look();
  await init.clock.sleep(ADD_PATIENCE_MS, until).catch(() => {}); // looked at below, whatever ended it
  unlisten();
  return book.friends.get(id)?.refused === true;
}
