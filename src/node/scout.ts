/** Makes the scouts: client personas with a key, a dialer and circuits for one batch, and nothing that outlives it. */

import { type Dht, dht } from '../dht/dht.ts';
import { peerOf } from '../dht/links.ts';
import type { Scout } from '../dht/scouts.ts';
import { createPersona } from '../net/persona/persona.ts';
import type { Clock } from '../safety/clock.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { OnionAddress } from '../wire/onion.ts';
import type { PersonaTor } from './persona-tor.ts';

export interface OwnScout extends Scout {
  /** Never talks to that onion. */
  avoid(onion: OnionAddress): void;
}

/** A started scout that never talks to `own`, the onions of this node. */
export async function openScout(
  personas: PersonaTor,
  clock: Clock,
  random: RandomBytes,
  own: readonly OnionAddress[],
  signal: AbortSignal,
): Promise<OwnScout> {
  let made: Dht | undefined;
  const persona = await createPersona({
    seed: random(32),
    listen: false,
    transport: personas.transport('scout'),
    services: {
      dht: (components) => (made = dht({ clock, urgent: true })(components)),
    },
    clock,
  });
  if (made === undefined) throw new Error('libp2p made no dht');
  const avoid = (onion: OnionAddress): void => persona.refuse(peerOf(onion));
  for (const onion of own) avoid(onion);
  await persona.start(signal);
  return { dht: made, avoid, stop: () => persona.stop() };
}
