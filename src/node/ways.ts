/** The ways to people, and how they are handed to each other: links between homes, own doors, knocks at others' doors. */

import type { ContactId } from '../delivery/face.ts';
import { Doors } from '../friends/door/doors.ts';
import { Knocks } from '../friends/door/knocks.ts';
import { FriendLinks } from '../friends/link/friend-links.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { OnionEndpoint } from '../transport-tor/endpoint.ts';
import { onionOf } from '../wire/onion.ts';
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
    onChange: onLink,
  });
  const doors = new Doors({
    open: ({ seed, pow }) =>
      new OnionEndpoint({ seed, pow, socketDir, services: tor.services, clock, random, log }),
    mayKnock: (invite, token) => friends.mayKnock(invite, token),
    delivery,
    provider,
    random,
    clock,
    log,
    onChange: onDoor,
  });
  const dial = { channels, provider, random, clock };
  const isLinked = (contact: ContactId): boolean => links.statusOf(contact).connected;
  const knocks = new Knocks({ dial, delivery, database, ready, log, isLinked, onChange: onKnock });
  return { links, doors, knocks };
}
