/**
 * Who a lookup could ask next: the peers it has heard of, which path each belongs to, and who named them. Order is
 * all there is here: no I/O, no clock.
 */

import type { PeerId } from '@libp2p/interface';
import { toHex } from '../safety/bytes.ts';
import { kadIdOf } from './links.ts';
import { MAX_CLOSER_PEERS } from '../wire/kad-message.ts';
import { DISJOINT_PATHS, MAX_NAMED_IN_VAIN, REPLICATION } from './limits.ts';

export interface Candidate {
  readonly peer: PeerId;
  /** Distance to the target, in a form that sorts. */
  readonly distance: string;
  readonly path: number;
  /** Who named it. Empty for those that the lookup began with. */
  readonly namers: Set<Candidate>;
  state: 'waiting' | 'asked' | 'answered' | 'failed';
  /** Of the peers that this one named: how many answered, and how many failed or have not answered yet. */
  found: number;
  vain: number;
}

export class Candidates {
  readonly #target: Uint8Array;
  readonly #own: string;
  readonly #all = new Map<string, Candidate>();
  #seeds = 0;
  /** Whose turn it is. */
  #turn = 0;

  constructor(target: Uint8Array, own: PeerId) {
    this.#target = target;
    this.#own = own.toString();
  }

  /** How many paths are in use. */
  get paths(): number {
    return Math.min(this.#seeds, DISJOINT_PATHS);
  }

  /** A peer to begin with; they are dealt out to the paths in turn. */
  seed(peer: PeerId): void {
    if (this.#all.has(peer.toString()) || peer.toString() === this.#own) return;
    this.#add(peer, this.#seeds++ % DISJOINT_PATHS);
  }

  answer(from: Candidate, closer: readonly PeerId[]): void {
    from.state = 'answered';
    for (const namer of from.namers) {
      namer.found++;
      namer.vain--;
    }
    for (const peer of closer.slice(0, MAX_CLOSER_PEERS)) {
      const id = peer.toString();
      if (id === this.#own) continue;
      const named = this.#all.get(id) ?? this.#add(peer, from.path);
      // credit and blame go to those who named a peer before it was asked
      if (named.state === 'waiting' && named !== from) named.namers.add(from);
    }
  }

  fail(candidate: Candidate): void {
    candidate.state = 'failed';
  }

  /**
   * The next one to ask: of the path whose turn it is the closest, unless enough closer peers have answered already.
   * Doubtful ones only when `desperate`, and when there are no others.
   */
  next(desperate: boolean): Candidate | undefined {
    const candidate = this.#choose(desperate);
    if (candidate === undefined) return undefined;
    candidate.state = 'asked';
    for (const namer of candidate.namers) namer.vain++;
    return candidate;
  }

  #choose(desperate: boolean): Candidate | undefined {
    const limit = this.#distanceOfLastHolder();
    const best: (Candidate | undefined)[] = [];
    let last: Candidate | undefined;
    for (const candidate of this.#all.values()) {
      if (candidate.state !== 'waiting' || candidate.distance >= limit) continue;
      if (isDoubtful(candidate)) last = closer(candidate, last);
      else best[candidate.path] = closer(candidate, best[candidate.path]);
    }
    for (let i = 0; i < DISJOINT_PATHS; i++) {
      const path = (this.#turn + i) % DISJOINT_PATHS;
      const candidate = best[path];
      if (candidate === undefined) continue;
      this.#turn = path + 1;
      return candidate;
    }
    return desperate ? last : undefined;
  }

  /** How many peers are closer to the target than this one, of those that answered or still might. */
  rank(candidate: Candidate): number {
    let rank = 0;
    for (const other of this.#all.values()) {
      if (other.state !== 'failed' && !isDoubtful(other) && other.distance < candidate.distance) rank++;
    }
    return rank;
  }

  /** Those that answered, closest first. */
  answered(): PeerId[] {
    return this.#answered().map(({ peer }) => peer);
  }

  #answered(): Candidate[] {
    return [...this.#all.values()]
      .filter(({ state }) => state === 'answered')
      .sort((a, b) => (a.distance < b.distance ? -1 : 1));
  }

  #distanceOfLastHolder(): string {
    return this.#answered()[REPLICATION - 1]?.distance ?? 'z';
  }

  #add(peer: PeerId, path: number): Candidate {
    const candidate: Candidate = {
      peer,
      distance: distanceOf(peer, this.#target),
      path,
      namers: new Set(),
      state: 'waiting',
      found: 0,
      vain: 0,
    };
    this.#all.set(peer.toString(), candidate);
    return candidate;
  }
}

/** XOR distance of a peer to a position, as hex: shorter distances sort first. */
export function distanceOf(peer: PeerId, target: Uint8Array): string {
  return toHex(kadIdOf(peer).map((byte, i) => byte ^ (target[i] as number)));
}

function closer(candidate: Candidate, other: Candidate | undefined): Candidate {
  return other === undefined || candidate.distance < other.distance ? candidate : other;
}

/** Named only by peers most of whose names led nowhere, or have been asked and not answered yet. */
function isDoubtful({ namers }: Candidate): boolean {
  if (namers.size === 0) return false;
  for (const { found, vain } of namers) if (vain < MAX_NAMED_IN_VAIN + 2 * found) return false;
  return true;
}
