/**
 * What one door serves to whoever has its address: the owner's bundle, and a place to leave one request. docs/wire.md,
 * "Doors".
 *
 * Order of a request: room, form, token, rate, and only then cryptography. Who knocks has proven nothing but a key made
 * a moment ago; the flood of connections below is the business of the acceptor and of tor's proof of work.
 */

import type { Carried, Verdict, Via } from '../../delivery/face.ts';
import { encodeFrame } from '../../wire/frame.ts';
import type { ChannelHandler } from '../../net/acceptor.ts';
import type { SecureChannel } from '../../net/channel.ts';
import { withDeadline } from '../../net/deadline.ts';
import { FrameReader } from '../../net/frame-reader.ts';
import { toHex } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import type { Log } from '../../safety/log.ts';
import {
  decodeDoorRequest,
  DOOR_REQUEST_BYTES,
  type DoorRequest,
  type DoorStatus,
  encodeDoorStatus,
} from '../../wire/door-request.ts';
import { Allowance } from '../../safety/allowance.ts';
import { codeOf } from '../link/errors.ts';
import { DoorError } from './errors.ts';
import {
  BUNDLES_BURST,
  BUNDLES_INTERVAL_MS,
  DOOR_TIMEOUT_MS,
  KEPT_REMEMBERED,
  MAX_KNOCKING,
  PRIVATE_BURST,
  PRIVATE_INTERVAL_MS,
  PUBLIC_BURST,
  PUBLIC_INTERVAL_MS,
} from './limits.ts';

/** The delivery as a door sees it. */
export interface DoorDelivery {
  /** Our own newest bundle. */
  bundle(): Uint8Array;
  receive(
    carried: Carried,
    from: { readonly contact: null; readonly via: Via & { readonly kind: 'door' } },
  ): Verdict;
}

export interface DoorInit {
  /** Key of its onion, 32 bytes: what an invite is named by. */
  readonly onionKey: Uint8Array;
  readonly isPublic: boolean;
  /** Cheap: before any cryptography. */
  readonly mayKnock: (invite: Uint8Array, token: Uint8Array | null) => boolean;
  readonly delivery: DoorDelivery;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly log: Log;
}

const STATUS_OF: Readonly<Record<Verdict, DoorStatus>> = {
  kept: 'kept',
  busy: 'busy',
  refused: 'refused',
  'unknown-session': 'stale',
};

export class Door {
  readonly #init: DoorInit;
  readonly #bundles: Allowance;
  readonly #requests: Allowance;
  /** Whose request is on its way in, in the order they came. */
  readonly #knocking = new Set<AbortController>();
  /** Hashes of envelopes that were kept, oldest first. */
  readonly #kept = new Set<string>();

  constructor(init: DoorInit) {
    const { clock, isPublic } = init;
    this.#init = init;
    this.#bundles = new Allowance(clock, BUNDLES_BURST, BUNDLES_INTERVAL_MS);
    this.#requests = isPublic
      ? new Allowance(clock, PUBLIC_BURST, PUBLIC_INTERVAL_MS)
      : new Allowance(clock, PRIVATE_BURST, PRIVATE_INTERVAL_MS);
  }

  /** For BUNDLE_PROTOCOL. Who comes when it is too much gets an end and no bundle. */
  readonly serveBundle: ChannelHandler = async (channel) => {
    if (!this.#bundles.take()) return;
    const bytes = encodeFrame(this.#init.delivery.bundle());
    await withDeadline(this.#init.clock, DOOR_TIMEOUT_MS, undefined, (signal) =>
      channel.write(bytes, signal),
    );
  };

  /** For REQUEST_PROTOCOL. */
  readonly serveRequest: ChannelHandler = async (channel) => {
    const { clock } = this.#init;
    const [oldest] = this.#knocking;
    if (this.#knocking.size >= MAX_KNOCKING) this.#dismiss(oldest);
    const leave = new AbortController();
    this.#knocking.add(leave);
    try {
      await withDeadline(clock, DOOR_TIMEOUT_MS, leave.signal, async (signal) => {
        const status = await this.#answer(channel, signal);
        if (status !== null) await channel.write(encodeFrame(encodeDoorStatus(status)), signal);
      });
    } finally {
      this.#knocking.delete(leave);
    }
  };

  /** Null: they left. Throws MalformedError, ChannelError, or the signal's reason. */
  async #answer(channel: SecureChannel, signal: AbortSignal): Promise<DoorStatus | null> {
    const frames = new FrameReader(channel);
    const bytes = await frames.next(DOOR_REQUEST_BYTES, DOOR_REQUEST_BYTES, signal);
    return bytes === null ? null : this.#judge(decodeDoorRequest(bytes));
  }

  #judge({ token, count, tag, envelope }: DoorRequest): DoorStatus {
    const { onionKey, mayKnock, delivery, provider } = this.#init;
    const hash = toHex(provider.sha256(envelope));
    // its answer was lost; the invite may be used up by it
    if (this.#kept.has(hash)) return 'kept';
    if (!mayKnock(onionKey, token)) return 'closed';
    if (!this.#requests.take()) return 'busy';
    const carried: Carried = { form: 'opening', bytes: envelope, count, tag };
    const status = STATUS_OF[this.#receive(delivery, carried)];
    if (status === 'kept') this.#remember(hash);
    return status;
  }

  #receive(delivery: DoorDelivery, carried: Carried): Verdict {
    try {
      return delivery.receive(carried, {
        contact: null,
        via: { kind: 'door', invite: this.#init.onionKey },
      });
    } catch (error) {
      this.#init.log('error', 'a request could not be taken', { code: codeOf(error) });
      return 'busy';
    }
  }

  #remember(hash: string): void {
    const [oldest] = this.#kept;
    if (this.#kept.size >= KEPT_REMEMBERED && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.add(hash);
  }

  #dismiss(guest: AbortController | undefined): void {
    if (guest === undefined) return;
    // at once, not when its owner notices: the number is a bound
    this.#knocking.delete(guest);
    guest.abort(new DoorError('DOOR_BUSY'));
  }
}
