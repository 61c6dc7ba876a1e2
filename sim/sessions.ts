/**
 * Two contacts who write to each other for a long time over a network that loses, delays and repeats, with processes
 * that die between any two steps and disks that come back old. All of it is the real code of src/kem; an oracle looks
 * at every event, and every encryption is entered into a book of keys and nonces. Seeded: the order of events depends
 * on the seed alone, keys of sessions do not. Shows nothing about an attacker.
 */

import type { Session } from '../src/kem/session.ts';
import { equal, toHex } from '../src/safety/bytes.ts';
import type { Provider } from '../src/safety/crypto/provider.ts';
import { seededChance } from '../src/testnet/seeded.ts';
import { Correspondence } from './correspondence.ts';
import { OracleError } from './oracle.ts';
import type { Backup } from './party.ts';

export interface SimulationOptions {
  readonly provider: Provider;
  /** Messages with content to be sent, by both sides together. */
  readonly messages: number;
  readonly seed: number;
  /** Called after every so many messages. */
  readonly onProgress?: (sent: number, delivered: number) => void;
}

export interface Figures {
  readonly seed: number;
  /** Messages with content, before the calm at the end. */
  readonly sent: number;
  /** All messages, those without content too. */
  readonly made: number;
  readonly lost: number;
  readonly arrivals: number;
  readonly delivered: number;
  /** Messages that did not come, and of which their receiver knows. */
  readonly gaps: number;
  /** Messages behind the last that came through of a session that was replaced: their sender knows. */
  readonly replaced: number;
  /** Messages that came too late to be read, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Processes that died, disks that came back old, and messages that were sent from such a disk. */
  readonly restarts: number;
  readonly restores: number;
  readonly staleMessages: number;
  readonly sessions: number;
  /** Epochs that a side has entered. */
  readonly epochs: number;
  /** Epoch of the session that is live at the end. */
  readonly liveEpoch: number;
  /** Encryptions, each under a key and nonce of its own. */
  readonly seals: number;
}

/** Chance after a message that the disk is copied. */
const BACKUP = 1 / 400;
/** Messages between two disks that come back old, or sessions that are opened anew, on average. */
const DISTURB_EVERY = 2_500;
/** Longest run of messages from one side: more than the skipped keys of a chain. */
const LONGEST_BURST = 3_000;
/** Most messages that a side sends which does not know that its disk is old. */
const STALE_MESSAGES = 40;
const PROGRESS_EVERY = 2_000;
/** Exchanges on a calm network at the end: every chain is closed, every contest decided. */
const CALM_ROUNDS = 12;

const BOTH = [0, 1] as const;

class Simulation {
  readonly #options: SimulationOptions;
  readonly #chance: () => number;
  readonly #between: Correspondence;
  readonly #backups: [Backup | null, Backup | null] = [null, null];
  #sent = 0;
  #restores = 0;
  #staleMessages = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#chance = seededChance(options.seed);
    this.#between = new Correspondence(options.provider, this.#chance);
  }

  run(): Figures {
    const { messages } = this.#options;
    this.#between.open(0);
    if (this.#chance() < 0.5) this.#between.open(1);
    const disturbEvery = Math.min(DISTURB_EVERY, messages / 8);
    while (this.#sent < messages) {
      const before = this.#sent;
      this.#phase(messages - before);
      if (this.#chance() < (this.#sent - before) / disturbEvery) this.#disturb();
    }
    const sent = this.#sent;
    this.#calm();
    return this.#figures(sent);
  }

  /** A burst from one side, ping-pong, or both as it comes. */
  #phase(rest: number): void {
    const longest = Math.min(rest, LONGEST_BURST, Math.ceil(this.#options.messages / 8));
    const length = Math.ceil(longest ** this.#chance());
    const first = this.#side();
    const kind = this.#chance();
    for (let i = 0; i < length; i++) {
      this.#post(kind < 0.3 ? first : kind < 0.7 ? ((i % 2) as 0 | 1) : this.#side());
    }
  }

  #post(who: 0 | 1): void {
    this.#between.post(who);
    this.#sent++;
    if (this.#chance() < BACKUP) this.#backups[who] = this.#between.parties[who].backUp();
    if (this.#sent % PROGRESS_EVERY === 0) {
      this.#options.onProgress?.(this.#sent, this.#between.oracle.delivered);
    }
  }

  /** An old disk comes back, noticed at once or later; or a side opens another session for no reason. */
  #disturb(): void {
    const who = this.#side();
    const backup = this.#backups[who];
    const kind = this.#chance();
    if (kind < 0.3 || backup === null) {
      this.#between.open(who);
      return;
    }
    this.#restores++;
    this.#between.reset(who);
    this.#between.oracle.forget(this.#between.parties[who].restore(backup));
    if (kind < 0.65) this.#goOnStale(who);
    this.#between.startAnew(who);
    if (this.#chance() < 0.3) this.#between.open(who === 0 ? 1 : 0); // at the same time
  }

  /** A side that does not notice that its disk is old. */
  #goOnStale(who: 0 | 1): void {
    this.#between.fork(who);
    const count = Math.ceil(this.#chance() * STALE_MESSAGES);
    for (let i = 0; i < count; i++) this.#post(who);
    this.#staleMessages += count;
  }

  /** All that is on its way arrives, and then a few messages each way without loss. */
  #calm(): void {
    this.#between.becomeCalm();
    for (let i = 0; i < CALM_ROUNDS; i++) {
      for (const who of BOTH) {
        this.#between.post(who);
        this.#between.settle();
      }
    }
  }

  #figures(sent: number): Figures {
    const { oracle, parties, counts, book, sessions } = this.#between;
    const [a, b] = parties.map(({ live }) => live) as [Session, Session];
    if (!equal(a.transcript, b.transcript)) throw new OracleError('the sides do not agree on a session');
    const live = toHex(a.transcript);
    let [delivered, gaps, replaced] = [0, 0, 0];
    for (const [transcript, from] of oracle.lines()) {
      const fate = oracle.audit(transcript, from);
      if (transcript === live && fate.unseen > 0) throw new OracleError('a gap that nobody knows of');
      delivered += fate.delivered;
      gaps += fate.gaps;
      replaced += fate.unseen;
    }
    if (delivered + gaps + replaced !== counts.made) throw new OracleError('the sums are not right');
    return {
      seed: this.#options.seed,
      sent,
      ...counts,
      delivered,
      gaps,
      replaced,
      refused: oracle.refused,
      restores: this.#restores,
      staleMessages: this.#staleMessages,
      sessions,
      liveEpoch: Math.min(a.pq.epoch, b.pq.epoch),
      seals: book.seals,
    };
  }

  #side(): 0 | 1 {
    return this.#chance() < 0.5 ? 0 : 1;
  }
}

/** Runs to the end. Throws OracleError or NonceReusedError at the first thing that must not be. */
export function simulateSessions(options: SimulationOptions): Figures {
  return new Simulation(options).run();
}
