/**
 * One link with one friend, logged in: carries ciphertexts both ways and says what became of them.
 *
 * Order: first each side says its bundle, where the other knows an older one, and the highest count of the other's
 * ciphertexts it has; only then is the link a route of the delivery, so who was rolled back hears of it before anything
 * is sent. From the moment that it is ended nothing that comes is read.
 */

import type { Carried, ContactId, Route, Verdict } from '../../delivery/face.ts';
import type { SecureChannel } from '../../net/channel.ts';
import { withDeadline } from '../../net/deadline.ts';
import type { FrameReader } from '../../net/frame-reader.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import { KithError } from '../../safety/errors.ts';
import type { Log } from '../../safety/log.ts';
import type { RandomBytes } from '../../safety/random.ts';
import {
  decodeFriendFrame,
  type FriendFrame,
  MAX_FRIEND_FRAME_BYTES,
  MIN_FRIEND_FRAME_BYTES,
} from '../../wire/friend-frame.ts';
import { Allowance } from './allowance.ts';
import { BundleExchange } from './bundle-exchange.ts';
import { codeOf, LinkError } from './errors.ts';
import type { LinkDelivery, Presence } from './face.ts';
import { farewell } from './farewell.ts';
import { FrameWriter } from './frame-writer.ts';
import { Keepalive } from './keepalive.ts';
import { LOGIN_TIMEOUT_MS, NOTICE_BURST, NOTICE_INTERVAL_MS } from './limits.ts';
import type { PresenceTeller } from './presence.ts';
import { Verdicts } from './verdicts.ts';

export interface FriendLinkInit {
  readonly contact: ContactId;
  readonly channel: SecureChannel;
  /** Behind the login. */
  readonly frames: FrameReader;
  /** Of our bundle as they know it. */
  readonly bundleHash: Uint8Array;
  /** The acceptor's answer to the login, which goes out before all else. */
  readonly welcome?: Uint8Array;
  readonly weDialed: boolean;
  /** Key of the onion that we are on this channel. */
  readonly ownOnion: Uint8Array;
  readonly delivery: LinkDelivery;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log: Log;
  readonly teller: PresenceTeller;
  readonly onBytes: (direction: 'sent' | 'received', bytes: number) => void;
  /** A frame of theirs was read. */
  readonly onHeard: () => void;
  readonly onPresence: () => void;
  /** It is no link any more; undefined: the other side ended it, in order. The farewell follows. */
  readonly onOver: (cause: unknown) => void;
}

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
    this.#keepalive = new Keepalive({
      ...init,
      ping: (data) => this.#writer.first({ type: 'ping', data }),
      onBeat: () => {
        if (this.#verdicts.stuck) throw new LinkError('LINK_SILENT');
        this.#bundles.offer(this.#writer);
      },
    });
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
        this.#init.teller.run(this.#writer, signal),
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
    const { delivery, contact, clock } = this.#init;
    this.#bundles.offer(this.#writer);
    this.#writer.first({ type: 'seen', seen: delivery.counts(contact).seen });
    await withDeadline(
      clock,
      LOGIN_TIMEOUT_MS,
      this.#over.signal,
      async (signal) => {
        for (let greeted = false; !greeted; ) {
          const frame = await this.#next(signal);
          if (frame?.type === 'bundle') this.#bundles.learn(frame.bytes);
          else if (frame?.type === 'seen') {
            delivery.theySaw(contact, frame.seen);
            greeted = true;
          } else throw new LinkError(frame === null ? 'LINK_CLOSED' : 'LINK_VIOLATED');
        }
      },
      () => new LinkError('LINK_SILENT'),
    );
    this.#detach = delivery.attach(this);
    // it may have ended while the delivery looked at it
    if (this.#over.signal.aborted) this.#detach();
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
        return this.#writer.first({ type: 'verdict', ref: frame.ref, verdict: this.#receive(frame) });
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
      default:
        throw new LinkError('LINK_VIOLATED');
    }
  }

  #receive({ form, bytes, count }: Carried): Verdict {
    const { delivery, contact, log } = this.#init;
    try {
      return delivery.receive({ form, bytes, count }, { contact, via: { kind: 'link' } });
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
