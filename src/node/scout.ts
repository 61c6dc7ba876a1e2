/**
 * Makes the scouts: client personas with a key, a dialer and circuits for one batch, and nothing that outlives it.
 *
 * A scout meets this node's own handle as it meets any other: both ends are ours, nobody else sees it, and one who
 * kept away from it would show whose it is. Home it says nothing to.
 */

import { type Dht, dht } from '../dht/dht.ts';
import { peerOf } from '../dht/links.ts';
import type { Scout } from '../dht/scouts.ts';
import { createPersona } from '../net/persona/persona.ts';
import type { Clock } from '../safety/clock.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { OnionAddress } from '../wire/onion.ts';
import type { PersonaTor } from './persona-tor.ts';

export interface ScoutInit {
  readonly personas: PersonaTor;
  readonly avoid: readonly OnionAddress[];
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** A started scout. */
export async function openScout(
  { personas, avoid, clock, random }: ScoutInit,
  signal: AbortSignal,
): Promise<Scout> {
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
  for (const onion of avoid) persona.avoid(peerOf(onion));
  await persona.start(signal);
  return { dht: made, stop: () => persona.stop() };
}
