/** Makes the homes of a node: what answers there, who may come in, and libp2p on the current one. */

import { FRIEND_PROTOCOL } from '../friends/link/friend-links.ts';
import { linkIdentity } from '../net/link-identity.ts';
import { createPersona } from '../net/persona/persona.ts';
import { equal } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { SealedDatastore } from '../store/datastore.ts';
import { Home } from './home.ts';
import { Homes } from './homes.ts';
import type { PeopleBook } from './people-book.ts';
import type { PeopleInit } from './people-init.ts';
import type { Ways } from './ways.ts';

export function openHomes(init: PeopleInit, book: PeopleBook, { links }: Ways): Promise<Homes> {
  const { database, known, dialer, tor, socketDir, handlers, homePeers, clock, random, log } = init;
  const clientsOf = (onionKey: Uint8Array): readonly Uint8Array[] =>
    book.friends.ownHomes().find((home) => equal(home.onionKey, onionKey))?.clientKeys ?? [];
  return Homes.create({
    database,
    make: (seed) => {
      const onionKey = linkIdentity(seed).publicKey;
      return new Home({
        seed,
        services: tor.services,
        socketDir,
        clients: init.open ? null : clientsOf(onionKey),
        handlers: new Map([...handlers, [FRIEND_PROTOCOL, links.acceptOn(onionKey)]]),
        torReady: () => tor.status().state === 'ready',
        log,
      });
    },
    makePersona: ({ seed, endpoint }) =>
      createPersona({
        seed,
        listen: true,
        transport: known.transport('home', { dialer, endpoint }),
        datastore: new SealedDatastore(homePeers),
        clock,
      }),
    provider: nodeProvider,
    random,
    clock,
    log,
  });
}
