/**
 * One link with one friend, logged in: carries ciphertexts both ways and says what became of them.
 *
 * Only behind the greeting is the link a route of the delivery. From the moment that it is ended nothing that comes is
 * read.
 */

import type { Carried, ContactId, Route, Verdict } from '../../delivery/face.ts';
import { KithError } from '../../safety/errors.ts';
import {
  decodeFriendFrame,
  type FriendFrame,
  MAX_FRIEND_FRAME_BYTES,
  MIN_FRIEND_FRAME_BYTES,
} from '../../wire/friend-frame.ts';
import { Allowance } from '../../safety/allowance.ts';
import { BundleExchange } from './bundle-exchange.ts';
import { codeOf, LinkError } from './errors.ts';
import type { Presence } from './face.ts';
import { farewell } from './farewell.ts';
import { FrameWriter } from './frame-writer.ts';
import { greet } from './greeting.ts';
import { Keepalive } from './keepalive.ts';
import type { FriendLinkInit } from './link-init.ts';
import { LinkProof } from './link-proof.ts';
import { NOTICE_BURST, NOTICE_INTERVAL_MS } from './limits.ts';
import { Verdicts } from './verdicts.ts';

export class FriendLink implements Route {
  readonly contact: ContactId;
  readonly weDialed: boolean;
  /** Key of the onion of whichever side dialed. */
  readonly dialerOnion: Uint8Array;
  /** Whether our onion key is the lower one. */
  readonly isOursLower: boolean;
  /** Monotonic ms. */
  readonly since: number;
  /** As they said; `unknown` until they have. */
  presence: Presence = 'unknown';
  /** Whether a ciphertext or a verdict came over it. */
  carried = false;
  readonly #init: FriendLinkInit;
  readonly #writer: FrameWriter;
  readonly #verdicts: Verdicts;
  readonly #keepalive: Keepalive;
  readonly #notices: Allowance;
  readonly #bundles: BundleExchange;
  readonly #proof: LinkProof;
  readonly #over = new AbortController();
  #detach: (() => void) | undefined;

  constructor(init: FriendLinkInit) {
    const { contact, channel, clock, weDialed, ownOnion, welcome } = init;
    this.#init = init;
    this.contact = contact;
    this.weDialed = weDialed;
    this.dialerOnion = weDialed ? ownOnion : channel.remoteKey;
    this.isOursLower = Buffer.compare(ownOnion, channel.remoteKey) < 0;
    this.since = clock.monotonic();
    this.#writer = new FrameWriter(channel, (bytes) => init.onBytes('sent', bytes));
    if (welcome !== undefined) this.#writer.opening(welcome);
    this.#verdicts = new Verdicts(clock);
    this.#notices = new Allowance(clock, NOTICE_BURST, NOTICE_INTERVAL_MS);
    this.#bundles = new BundleExchange(init);
    this.#proof = new LinkProof({
      contact,
      weDialed,
      key: init.key,
      delivery: init.delivery,
      primitives: init,
      binding: {
        handshakeHash: channel.handshakeHash,
        dialerOnion: this.dialerOnion,
        acceptorOnion: weDialed ? channel.remoteKey : ownOnion,
      },
      send: (mac) => this.#writer.first({ type: 'proof', mac }),
      onFirm: init.onFirm,
    });
    this.#keepalive = new Keepalive({
      ...init,
      ping: (data) => this.#writer.first({ type: 'ping', data }),
      onBeat: () => {
        if (this.#verdicts.stuck) throw new LinkError('LINK_SILENT');
        // time enough to say so: whoever only wants to see that we are here should not
        if (!init.isFriend()) throw new LinkError('LINK_CLOSED');
        this.#bundles.offer(this.#writer);
      },
    });
  }

  /** See LinkProof; isNarrow is of Route. */
  get isFirm(): boolean {
    return this.#proof.isFirm;
  }

  get isNarrow(): boolean {
    return this.#proof.isNarrow;
  }

  get roundTripMs(): number | null {
    return this.#keepalive.roundTripMs;
  }

  /** Serves the link until its farewell is said; call once. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#over;
    const writing = this.#writer.run(signal);
    const work: Promise<unknown>[] = [writing, this.#greet()];
    let cause: unknown;
    try {
      await Promise.race(work);
      const serving = [
        this.#read(),
        this.#keepalive.run(signal),
        this.#init.teller.run(this.#writer, this.#init.isFriend, signal),
      ];
      work.push(...serving);
      await Promise.race([writing, ...serving]);
    } catch (error) {
      cause = error;
    }
    const isGentle = cause === undefined || (cause instanceof LinkError && cause.code !== 'LINK_VIOLATED');
    this.#end(cause);
    await Promise.allSettled(work);
    if (isGentle) await farewell(this.#init.channel, this.#init.clock);
    else this.#init.channel.abort(cause as Error);
  }

  send(carried: Carried, signal: AbortSignal): Promise<Verdict> {
    if (this.#over.signal.aborted) return Promise.reject(this.#over.signal.reason as Error);
    this.#proof.look();
    return this.#verdicts.wait((ref) => this.#writer.message({ type: 'message', ref, ...carried }), signal);
  }

  /** Ends it in order; the other side sees the end. Nothing that comes is read from now on. */
  close(reason: LinkError): void {
    this.#end(reason);
  }

  /** Ends it at once. */
  abort(reason: LinkError): void {
    this.#end(reason);
    this.#init.channel.abort(reason);
  }

  /** Somebody waits for this link. */
  probe(): void {
    this.#keepalive.probe();
  }

  #end(cause: unknown): void {
    if (this.#over.signal.aborted) return;
    const reason = cause ?? new LinkError('LINK_CLOSED');
    this.#over.abort(reason);
    this.#detach?.();
    this.#verdicts.failAll(reason);
    this.#init.onOver(cause);
  }

  async #greet(): Promise<void> {
    const next = (signal: AbortSignal): Promise<FriendFrame | null> => this.#next(signal);
    await greet({ ...this.#init, bundles: this.#bundles, writer: this.#writer, next }, this.#over.signal);
    this.#detach = this.#init.delivery.attach(this);
    // it may have ended while the delivery looked at it
    if (this.#over.signal.aborted) this.#detach();
    this.#proof.look();
  }

  async #read(): Promise<void> {
    for (;;) {
      const frame = await this.#next(this.#over.signal);
      if (frame === null) return;
      this.#handle(frame);
    }
  }

  /** Null: they ended it. Throws what ended it here. */
  async #next(signal: AbortSignal): Promise<FriendFrame | null> {
    const bytes = await this.#init.frames.next(MIN_FRIEND_FRAME_BYTES, MAX_FRIEND_FRAME_BYTES, signal);
    signal.throwIfAborted();
    if (bytes === null) return null;
    const frame = decodeFriendFrame(bytes);
    this.#init.onBytes('received', 2 + bytes.length);
    this.#keepalive.heard();
    this.#init.onHeard();
    return frame;
  }

  #handle(frame: FriendFrame): void {
    switch (frame.type) {
      case 'message':
        this.carried = true;
        this.#writer.first({ type: 'verdict', ref: frame.ref, verdict: this.#receive(frame) });
        // what came may have made them a friend, and it may have brought a pair key
        this.#init.teller.look();
        return this.#proof.look();
      case 'verdict':
        this.carried = true;
        return this.#verdicts.came(frame.ref, frame.verdict);
      case 'bundle':
        return this.#bundles.learn(frame.bytes);
      case 'presence':
        this.#count();
        this.presence = frame.presence;
        return this.#init.onPresence();
      case 'ping':
        this.#count();
        return this.#writer.first({ type: 'pong', data: frame.data });
      case 'pong':
        this.#count();
        return this.#keepalive.answered(frame.data);
      case 'proof':
        this.#count();
        return this.#proof.came(frame.mac);
      default:
        throw new LinkError('LINK_VIOLATED');
    }
  }

  #receive({ form, bytes, count, tag }: Carried): Verdict {
    const { delivery, contact, log } = this.#init;
    try {
      const from = { contact, via: { kind: 'link' }, isFirm: this.#proof.isFirm } as const;
      return delivery.receive({ form, bytes, count, tag }, from);
    } catch (error) {
      log('error', 'what a friend sent could not be taken', { code: codeOf(error) });
      // a full disk passes; a defect should not be met again and again on a link that looks well
      if (error instanceof KithError) return 'busy';
      throw error;
    }
  }

  #count(): void {
    if (!this.#notices.take()) throw new LinkError('LINK_VIOLATED');
  }
}
