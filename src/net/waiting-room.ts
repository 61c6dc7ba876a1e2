/**
 * The book of inbound connections that have proven nothing yet: deadlines, a cap, and a tarpit.
 *
 * A connection is in one of three lists, each in order of time: waiting for message 1, being answered, waiting for
 * message 3. At the cap the one with least progress has to go, the longest-waiting first. Whoever has to go is not
 * closed at once: it is held unread for some seconds, so that an attacker who reopens whatever is closed is slowed to
 * that rhythm, while memory and descriptors stay bounded. Protects against floods of connections, not of circuits:
 * those are tor's part (proof of work, MaxStreams).
 */

import type { Duplex } from 'node:stream';
import type { Clock } from '../safety/clock.ts';
import { type ByteChannel, socketChannel } from './byte-channel.ts';
import { ChannelError } from './errors.ts';
import type { AcceptorLimits } from './limits.ts';

/** A connection before its handshake is done. */
export interface Guest {
  readonly socket: Duplex;
  readonly channel: ByteChannel;
  /** Aborted when the guest has to go. */
  readonly signal: AbortSignal;
}

interface Entry extends Guest {
  readonly leave: AbortController;
  list: Set<Entry>;
  /** When it came into its list, monotonic milliseconds. */
  since: number;
}

export class WaitingRoom {
  readonly #clock: Clock;
  readonly #limits: AcceptorLimits;
  readonly #beforeMessage1 = new Set<Entry>();
  readonly #answering = new Set<Entry>();
  readonly #beforeMessage3 = new Set<Entry>();
  readonly #tarpit = new Map<Duplex, number>();
  readonly #closed = new AbortController();
  #sweeping = false;
  #refused = 0;

  constructor(clock: Clock, limits: AcceptorLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#beforeMessage1.size + this.#answering.size + this.#beforeMessage3.size;
  }

  /** Connections refused, timed out or evicted since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes a new connection in; the one with least progress may have to go for it. */
  admit(socket: Duplex): Guest {
    if (this.pending >= this.#limits.pending) this.#evict();
    const full = this.pending >= this.#limits.pending;
    const leave = new AbortController();
    const list = this.#beforeMessage1;
    const channel = socketChannel(socket);
    const entry: Entry = {
      socket,
      channel,
      signal: leave.signal,
      leave,
      list,
      since: this.#clock.monotonic(),
    };
    list.add(entry);
    // all others are being answered, each a proof of more progress than this one has made
    if (full) this.#dismiss(entry, new ChannelError('BUSY'));
    this.#sweep();
    return entry;
  }

  /** Message 1 has come: no deadline and no eviction while we owe the answer. */
  answering(guest: Guest): void {
    this.#move(guest as Entry, this.#answering);
  }

  /** Message 2 is sent. */
  answered(guest: Guest): void {
    this.#move(guest as Entry, this.#beforeMessage3);
  }

  /** The guest has proven a key: the caller has the connection now. */
  release(guest: Guest): void {
    (guest as Entry).list.delete(guest as Entry);
  }

  /** The guest is refused, for whatever reason: into the tarpit. */
  refuse(guest: Guest): void {
    this.release(guest);
    this.#refused++;
    this.hold(guest.socket);
  }

  /** Holds a connection unread for a while, then destroys it. */
  hold(socket: Duplex): void {
    if (socket.destroyed || this.#closed.signal.aborted) {
      socket.destroy();
      return;
    }
    freeze(socket);
    this.#tarpit.set(socket, this.#clock.monotonic());
    socket.once('close', () => this.#tarpit.delete(socket));
    if (this.#tarpit.size > this.#limits.tarpit) {
      const [oldest] = this.#tarpit.keys();
      oldest?.destroy();
    }
    this.#sweep();
  }

  /** Destroys all that wait or are held, and ends the timer. */
  close(): void {
    const reason = new ChannelError('CLOSED');
    this.#closed.abort(reason);
    for (const list of [this.#beforeMessage1, this.#answering, this.#beforeMessage3]) {
      for (const entry of list) {
        entry.leave.abort(reason);
        entry.channel.abort(reason);
      }
    }
    for (const socket of this.#tarpit.keys()) socket.destroy();
  }

  #move(entry: Entry, list: Set<Entry>): void {
    // it may have had to go while its owner was busy with it
    if (!entry.list.delete(entry)) return;
    entry.list = list;
    entry.since = this.#clock.monotonic();
    list.add(entry);
  }

  #evict(): void {
    const [least] = this.#beforeMessage1.size > 0 ? this.#beforeMessage1 : this.#beforeMessage3;
    if (least !== undefined) this.#dismiss(least, new ChannelError('BUSY'));
  }

  /** Its owner sees the signal, gives up, and hands it back by {@link refuse}. */
  #dismiss(entry: Entry, reason: ChannelError): void {
    entry.list.delete(entry);
    entry.leave.abort(reason);
  }

  /** Starts the timer if it does not run. It stops by itself when there is nobody left. */
  #sweep(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    // ends when the room is empty or closed; cannot reject but by that
    void this.#sweepWhileNeeded().then(
      () => {
        this.#sweeping = false;
      },
      () => undefined,
    );
  }

  async #sweepWhileNeeded(): Promise<void> {
    while (this.pending > 0 || this.#tarpit.size > 0) {
      await this.#clock.sleep(this.#limits.sweepMs, this.#closed.signal);
      const now = this.#clock.monotonic();
      this.#expire(this.#beforeMessage1, now - this.#limits.message1Ms);
      this.#expire(this.#beforeMessage3, now - this.#limits.message3Ms);
      for (const [socket, since] of this.#tarpit) {
        if (since > now - this.#limits.tarpitMs) break;
        this.#tarpit.delete(socket);
        socket.destroy();
      }
    }
  }

  #expire(list: Set<Entry>, before: number): void {
    for (const entry of list) {
      if (entry.since > before) return;
      this.#dismiss(entry, new ChannelError('TIMEOUT'));
    }
  }
}

/**
 * Makes node ask the kernel for no more and throw away what it had asked for already. There is no public call for
 * it: `pause()` leaves a read of up to 64 KiB under way, which thousands of held connections would add up.
 */
function freeze(socket: Duplex): void {
  Object.assign(socket, { _read: () => undefined });
  socket.read();
  socket.on('readable', () => socket.read() as unknown);
}
