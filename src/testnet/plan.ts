/**
 * Who is in the network and at which address.
 *
 * Each network draws its own block of loopback addresses and its ports at random, so that networks do not meet
 * and nothing has to open a socket to find a free port. Linux answers on all of 127.0.0.0/8; elsewhere only
 * 127.0.0.1 exists and the ports alone keep networks apart.
 */

import type { RandomBytes } from '../safety/random.ts';
import { PORTS } from './limits.ts';

export interface RelayPlan {
  /** Nickname and folder name: `auth0`, `relay2`. */
  readonly name: string;
  readonly authority: boolean;
  readonly address: string;
  readonly orPort: number;
  /** Only authorities have one; 0 else. */
  readonly dirPort: number;
}

/** Draws addresses and ports for a network. */
export function planNetwork(
  random: RandomBytes,
  size: { readonly authorities: number; readonly relays: number },
  platform: NodeJS.Platform = process.platform,
): RelayPlan[] {
  const [b, c] = random(2) as unknown as [number, number];
  const used = new Set<number>();
  const port = (): number => {
    for (;;) {
      const [high, low] = random(2) as unknown as [number, number];
      const drawn = PORTS.from + (((high << 8) | low) % (PORTS.to - PORTS.from));
      if (used.has(drawn)) continue;
      used.add(drawn);
      return drawn;
    }
  };
  return Array.from({ length: size.authorities + size.relays }, (_, i): RelayPlan => {
    const authority = i < size.authorities;
    return {
      name: authority ? `auth${i}` : `relay${i - size.authorities}`,
      authority,
      address: platform === 'linux' ? `127.${1 + (b % 254)}.${c}.${i + 1}` : '127.0.0.1',
      orPort: port(),
      dirPort: authority ? port() : 0,
    };
  });
}
