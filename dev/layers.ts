/**
 * The layers of src, lowest first: the one table behind `test/architecture.test.ts` and the import bans of
 * `oxlint.config.ts`. A folder (or the file of that name directly in src) imports from lower layers and from
 * itself; within one layer imports may go one way only, and not at all where the layer says `apart`.
 */

export interface Layer {
  readonly folders: readonly string[];
  /** No node:*, no libp2p, no clock, no randomness of its own: only what is passed in, and these packages. */
  readonly pure?: { readonly packages: readonly string[] };
  /** Folders of this layer never import each other: they are handed what they need. */
  readonly apart?: true;
  /** The only folders above that may import this one. */
  readonly usedBy?: readonly string[];
}

export const LAYERS: readonly Layer[] = [
  { folders: ['safety'] },
  { folders: ['wire', 'kem', 'vkd', 'quorum', 'vouch'], pure: { packages: ['@noble/hashes'] } },
  { folders: ['logstore', 'store', 'net'] },
  { folders: ['transport-tor'] },
  // beside the product: developers of kith apps and the command line get it, the node never does
  { folders: ['testnet'], usedBy: ['cli', 'local'] },
  { folders: ['dht', 'gossip', 'delivery'], apart: true },
  {
    folders: [
      'identity',
      'friends',
      'chat',
      'mailbox',
      'directory',
      'witness',
      'files',
      'profile',
      'groups',
      'say',
    ],
    apart: true,
  },
  { folders: ['node'] },
  { folders: ['index'] },
  { folders: ['local'] },
  { folders: ['cli'] },
];

/** Longest source file, in lines: one job each. */
export const MAX_FILE_LINES = 250;

/** The layer of a folder and its rank, 0 being the lowest; null for a folder that the table does not know. */
export function layerOf(folder: string): { layer: Layer; rank: number } | null {
  const rank = LAYERS.findIndex((layer) => layer.folders.includes(folder));
  const layer = LAYERS[rank];
  return layer === undefined ? null : { layer, rank };
}

/** Whether the table lets a file of folder `from` import from folder `to`. */
export function mayImport(from: string, to: string): boolean {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === null || target === null) return false;
  if (from === to) return true;
  if (source.rank === target.rank) return source.layer.apart !== true;
  if (source.rank < target.rank) return false;
  return target.layer.usedBy?.includes(from) ?? true;
}

/** Every folder of the table. */
export const FOLDERS: readonly string[] = LAYERS.flatMap((layer) => layer.folders);
