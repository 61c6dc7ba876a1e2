/**
 * The calls about the overlay: whom this node knows there, slots, and what is announced. A `dht` call ends with its
 * client; `gossip.watch` notifies until the client goes.
 */

import type { KithNode } from '../node.ts';
import { decodeOnion } from '../wire/onion.ts';
import { LocalError } from './errors.ts';
import type { Json } from './json-rpc.ts';
import { count, text } from './params.ts';
import type { Method, Session } from './server.ts';

/** What of a node these calls use. */
export type OverlayFace = Pick<KithNode, 'peers' | 'addPeer' | 'putSlot' | 'getSlot' | 'onAnnounced'>;

/** The methods of one session with `node`. */
export function overlayMethods(node: OverlayFace, session: Session): [string, Method][] {
  const { signal } = session;
  let watching = false;
  return [
    [
      'peers',
      async () => {
        const { peers, entryPoints } = node.peers();
        return { peers: [...peers], entryPoints: entryPoints.map((known) => ({ ...known })) } satisfies Json;
      },
    ],
    [
      'peers.add',
      async (params) => {
        await node.addPeer(decodeOnion(text(params, 'onion')), signal);
        return {};
      },
    ],
    [
      'dht.put',
      async (params) => {
        const content = new Uint8Array(Buffer.from(text(params, 'data'), 'base64'));
        const ttlMs = count(params, 'ttlMs');
        return { ...(await node.putSlot(content, { signal, ...(ttlMs === undefined ? {} : { ttlMs }) })) };
      },
    ],
    [
      'dht.get',
      async (params) => {
        const { content, ...found } = await node.getSlot(text(params, 'reference'), { signal });
        return { data: Buffer.from(content).toString('base64'), ...found };
      },
    ],
    [
      'gossip.watch',
      async () => {
        if (watching) {
          throw new LocalError('BUSY', 'this connection watches already', {
            hint: 'Open another connection for another watch.',
          });
        }
        watching = true;
        const unsubscribe = node.onAnnounced(({ onion, expiry }) =>
          session.notify('gossip.announced', { onion: `${onion.host}.onion`, expiry }),
        );
        signal.addEventListener('abort', unsubscribe, { once: true });
        return {};
      },
    ],
  ];
}
