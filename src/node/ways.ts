/** The ways to people, and how they are handed to each other: links between homes, own doors, knocks at others' doors. */

import type { ContactId } from '../delivery/face.ts';
import { type DoorEndpoint, Doors } from '../friends/door/doors.ts';
import { Knocks } from '../friends/door/knocks.ts';
import { FriendLinks } from '../friends/link/friend-links.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { OnionEndpoint } from '../transport-tor/endpoint.ts';
import { onionOf } from '../wire/onion.ts';
import { guarded } from './failures.ts';
import type { Home } from './home.ts';
import type { PeopleBook } from './people-book.ts';
import type { PeopleInit } from './people-init.ts';

export interface WaysInit {
  readonly init: PeopleInit;
  readonly book: PeopleBook;
  /** As whom friends are dialed now. */
  readonly home: () => Home;
  /** A link came up, went or said something about presence. */
  readonly onLink: (contact: ContactId) => void;
  readonly onDoor: (onionKey: Uint8Array) => void;
  readonly onKnock: (contact: ContactId) => void;
}

export interface Ways {
  readonly links: FriendLinks;
  readonly doors: Doors;
  readonly knocks: Knocks;
}

/** Starts nothing. */
export function wireWays({ init, book, home, onLink, onDoor, onKnock }: WaysInit): Ways {
  const { database, channels, tor, socketDir, clock, random, log } = init;
  const told = <T>(tell: (about: T) => void): ((about: T) => void) =>
    guarded(log, 'a change on the way to people could not be told', tell);
  const { delivery, friends } = book;
  const provider = nodeProvider;
  const ready = (signal: AbortSignal): Promise<void> => tor.ready(signal);
  const links = new FriendLinks({
    channels,
    identity: () => home().identity,
    ownOnionKey: () => home().onion.publicKey,
    book: {
      loginKeys: (contact) => friends.loginKeys(contact),
      pairKeyUsed: (contact) => friends.pairKeyUsed(contact),
      contactOfHome: (onionKey) => friends.contactOfHome(onionKey),
      contacts: () => friends.linkable(),
      mayLink: (contact) => friends.mayLink(contact),
      isFriend: (contact) => friends.isFriend(contact),
      cameFrom: (contact, onionKey) => friends.cameFrom(contact, onionKey),
      homeOf: (contact) => {
        const key = friends.homeOf(contact);
        return key === null ? null : onionOf(key);
      },
    },
    delivery,
    database,
    provider,
    random,
    clock,
    log,
    ready,
    onChange: told(onLink),
  });
  const doors = new Doors({
    open: ({ seed, pow }) =>
      orUnopened(
        () => new OnionEndpoint({ seed, pow, socketDir, services: tor.services, clock, random, log }),
      ),
    mayKnock: (invite, token) => friends.mayKnock(invite, token),
    delivery,
    provider,
    random,
    clock,
    log,
    onChange: told(onDoor),
  });
  const dial = { channels, provider, random, clock };
  const isLinked = (contact: ContactId): boolean => links.statusOf(contact).connected;
  const knocks = new Knocks({ dial, delivery, database, ready, log, isLinked, onChange: told(onKnock) });
  return { links, doors, knocks };
}

/** What cannot even be made is a door that does not open: it is tried again, and nobody is surprised. */
function orUnopened(make: () => DoorEndpoint): DoorEndpoint {
  const made = { endpoint: null as DoorEndpoint | null };
  const handlers: Parameters<DoorEndpoint['handle']>[] = [];
  return {
    handle: (...handler) => void handlers.push(handler),
    start: async (signal) => {
      made.endpoint ??= make();
      for (const handler of handlers.splice(0)) made.endpoint.handle(...handler);
      await made.endpoint.start(signal);
    },
    stop: async () => made.endpoint?.stop(),
  };
}
