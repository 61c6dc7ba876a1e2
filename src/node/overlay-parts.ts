/** The parts of a node's side in the overlay and how they are handed to each other. Nothing here starts anything. */

import { EntryPoints, type EntryPointRows } from '../dht/entry-points.ts';
import type { SlotStoreLimits } from '../dht/limits.ts';
import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Log } from '../safety/log.ts';
import { chanceOf, type RandomBytes } from '../safety/random.ts';
import type { TorHost } from '../transport-tor/options.ts';
import { type OnionAddress, onionOf } from '../wire/onion.ts';
import type { EpochSchedule } from './epochs.ts';
import type { OverlayStatus } from './face.ts';
import { Member } from './member.ts';
import { handleRows, publicRows } from './rows.ts';
import { Overlay } from './overlay.ts';
import { PersonaTor } from './persona-tor.ts';

export interface OverlayPartsInit {
  /** The tor of nobody who knows this node. */
  readonly tor: TorHost;
  /** Short directory for the unix sockets of onions. */
  readonly socketDir: string;
  /** Directory of sealed files. */
  readonly dir: string;
  /** Seed of the one onion of a public node; null makes handles. */
  readonly publicSeed: Uint8Array | null;
  readonly storeKey: Uint8Array;
  /** Where entry points are remembered. */
  readonly remembered: EntryPointRows;
  readonly entryPoints: readonly OnionAddress[];
  /** Other onions of this node, which its side in the overlay never meets. */
  readonly avoid: readonly OnionAddress[];
  /** A member with this onion is about to come: they avoid it too. */
  readonly onArriving: (onion: OnionAddress) => void;
  readonly epochs: EpochSchedule;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly slotLimits?: SlotStoreLimits;
  readonly onStatus: (status: OverlayStatus) => void;
}

export function wireOverlay(init: OverlayPartsInit): Overlay {
  const { tor, socketDir, dir, publicSeed, storeKey, avoid, clock, random, log, slotLimits } = init;
  const personas = new PersonaTor({ host: tor, socketDir, clock, random, log });
  const own = [
    ...avoid,
    ...(publicSeed === null ? [] : [onionOf(nodeProvider.ed25519.publicKey(publicSeed))]),
  ];
  const shared = {
    tor: personas,
    avoid,
    clock,
    random,
    log,
    ...(slotLimits === undefined ? {} : { slotLimits }),
  };
  return new Overlay({
    role: publicSeed === null ? 'ordinary' : 'public',
    avoid,
    tor,
    personas,
    entryPoints: new EntryPoints({
      fixed: init.entryPoints,
      rows: init.remembered,
      clock,
      random,
      isOwn: (onion) => own.some(({ host }) => host === onion.host),
      log,
    }),
    epochs: publicSeed === null ? init.epochs : null,
    create: async () =>
      Member.create(
        publicSeed === null
          ? { ...shared, seed: random(32), rows: await handleRows(dir, random, log) }
          : { ...shared, seed: publicSeed, rows: await publicRows(dir, storeKey, log) },
      ),
    clock,
    random,
    chance: chanceOf(random),
    log,
    onArriving: ({ onion }) => init.onArriving(onion),
    onStatus: init.onStatus,
  });
}
