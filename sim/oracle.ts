/**
 * Who knows everything that was sent, and says of every event whether it may be: no plaintext that was not sent, none
 * twice, none refused that could have been read, and no message missing of which its receiver does not know. It looks
 * at sessions from outside only: which ratchet key and number a message had, and how long its receiver knows chains to be.
 */

import { MAX_SKIPPED } from '../src/kem/ratchet-chains.ts';
import { MAX_OLD_CHAINS } from '../src/kem/session.ts';

/** A message as its sender made it. */
export interface Origin {
  /** Number of the content, unique in the run. */
  readonly id: number;
  readonly from: 0 | 1;
  /** Hex. */
  readonly transcript: string;
  /** The sender's ratchet key, hex. */
  readonly chain: string;
  readonly n: number;
  /** Messages in the sender's chain before. */
  readonly pn: number;
}

/** Why a message that arrived for the first time was not read. */
export type Excuse = 'reset' | 'pushed-out' | 'chain-dropped' | 'key-dropped' | 'forked';

/** Something that must never happen. */
export class OracleError extends Error {
  override readonly name = 'OracleError';
}

interface Chain {
  readonly ordinal: number;
  /** Messages that the receiver knows of: those it has not decrypted are gaps it knows. */
  length: number;
}

/** One direction of one session. */
class Line {
  readonly sent: Origin[] = [];
  readonly read = new Set<string>();
  readonly chains = new Map<string, Chain>();
  newest: Chain | undefined;
  /** A side went on from an older state, so that two messages may have one number. */
  isForked = false;
}

const place = ({ chain, n }: Origin): string => `${chain}/${n}`;

export class Oracle {
  readonly #lines = new Map<string, Line>();
  readonly #delivered = new Set<number>();
  readonly #refused = new Map<Excuse, number>();

  get delivered(): number {
    return this.#delivered.size;
  }

  /** Messages that arrived too late to be read, by reason. */
  get refused(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refused);
  }

  sent(origin: Origin): void {
    const line = this.#line(origin);
    line.sent.push(origin);
  }

  /** A content came out. `id` is what the plaintext says, once all of it was compared. */
  read(origin: Origin, id: number): void {
    if (id !== origin.id) throw new OracleError('a plaintext of another message');
    if (this.#delivered.has(id)) throw new OracleError(`content ${id} was delivered twice`);
    this.#delivered.add(id);
    const line = this.#line(origin);
    if (line.read.has(place(origin)) && !line.isForked)
      throw new OracleError('one message key opened two messages');
    line.read.add(place(origin));
    let chain = line.chains.get(origin.chain);
    if (chain === undefined) {
      if (line.newest !== undefined) line.newest.length = Math.max(line.newest.length, origin.pn);
      chain = { ordinal: line.chains.size, length: 0 };
      line.chains.set(origin.chain, chain);
      line.newest = chain;
    }
    chain.length = Math.max(chain.length, origin.n + 1);
  }

  /**
   * A message was refused. `isHeld`: whether its receiver has the session, and `ending` why it may not have it. Throws
   * when it should have been read.
   */
  refuse(origin: Origin, isHeld: boolean, ending: 'reset' | 'pushed-out' | null): void {
    if (this.#delivered.has(origin.id)) return; // a duplicate
    const excuse = isHeld ? this.#excuse(origin) : ending;
    if (excuse === null) throw new OracleError('a message was refused that could have been read');
    this.#refused.set(excuse, (this.#refused.get(excuse) ?? 0) + 1);
  }

  /** What its receiver had read since an older state is forgotten there, and so may come again. */
  forget(ids: Iterable<number>): void {
    for (const id of ids) this.#delivered.delete(id);
  }

  /** A side goes on from an older state of this session. */
  fork(transcript: string): void {
    for (const from of [0, 1] as const) this.#line({ transcript, from }).isForked = true;
  }

  /**
   * What became of the messages of a direction. Every one is delivered or a gap its receiver knows of; `unseen` are the
   * others, behind the last that came through: none in a session that has gone on.
   */
  audit(transcript: string, from: 0 | 1): { delivered: number; gaps: number; unseen: number } {
    const line = this.#line({ transcript, from });
    let [delivered, gaps, unseen] = [0, 0, 0];
    for (const origin of line.sent) {
      if (line.read.has(place(origin))) delivered++;
      else if (origin.n < (line.chains.get(origin.chain)?.length ?? 0)) gaps++;
      else unseen++;
    }
    return { delivered, gaps, unseen };
  }

  /** All directions of all sessions. */
  *lines(): Generator<readonly [transcript: string, from: 0 | 1]> {
    for (const name of this.#lines.keys()) {
      const [transcript, from] = name.split('/') as [string, string];
      yield [transcript, from === '0' ? 0 : 1];
    }
  }

  #excuse(origin: Origin): Excuse | null {
    const line = this.#line(origin);
    if (line.isForked) return 'forked';
    const chain = line.chains.get(origin.chain);
    if (chain === undefined || line.newest === undefined) return null;
    if (line.newest.ordinal - chain.ordinal > MAX_OLD_CHAINS) return 'chain-dropped';
    return origin.n <= chain.length - 1 - MAX_SKIPPED ? 'key-dropped' : null;
  }

  #line({ transcript, from }: Pick<Origin, 'transcript' | 'from'>): Line {
    const name = `${transcript}/${from}`;
    const line = this.#lines.get(name) ?? new Line();
    this.#lines.set(name, line);
    return line;
  }
}
