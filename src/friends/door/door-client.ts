/**
 * Knocking: fetches the bundle behind a door, and brings a request through it. Each dial has a key of its own, made for
 * it, and a circuit of its own: what the owner of the door learns of who knocks is inside the request.
 */

import type { Carried, ContactId, Route, Verdict } from '../../delivery/face.ts';
import type { Channels, SecureChannel } from '../../net/channel.ts';
import { withDeadline } from '../../net/deadline.ts';
import { FrameReader } from '../../net/frame-reader.ts';
import { linkIdentity } from '../../net/link-identity.ts';
import { toHex } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import type { RandomBytes } from '../../safety/random.ts';
import {
  BUNDLE_PROTOCOL,
  decodeDoorStatus,
  DOOR_STATUS_BYTES,
  type DoorStatus,
  encodeDoorRequest,
  REQUEST_PROTOCOL,
} from '../../wire/door-request.ts';
import { encodeFrame } from '../../wire/frame.ts';
import { FRIEND_BUNDLE_BYTES } from '../../wire/friend-frame.ts';
import type { OnionAddress } from '../../wire/onion.ts';
import { farewell } from '../link/farewell.ts';
import { DoorError } from './errors.ts';
import { DOOR_TIMEOUT_MS } from './limits.ts';

export interface DoorDial {
  readonly channels: Pick<Channels, 'dial'>;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
}

/**
 * The bundle behind a door, 9,428 bytes that nobody has verified. Throws DoorError DOOR_BUSY, ChannelError, what the
 * dial throws, or the signal's reason.
 */
export function fetchBundle(dial: DoorDial, door: OnionAddress, signal?: AbortSignal): Promise<Uint8Array> {
  return knock(dial, door, { protocol: BUNDLE_PROTOCOL, urgent: true, signal }, async (channel, within) => {
    const frames = new FrameReader(channel);
    const bytes = await frames.next(FRIEND_BUNDLE_BYTES, FRIEND_BUNDLE_BYTES, within);
    if (bytes === null) throw new DoorError('DOOR_BUSY');
    return Uint8Array.from(bytes);
  });
}

export interface DoorRouteInit {
  readonly dial: DoorDial;
  readonly contact: ContactId;
  readonly door: OnionAddress;
  /** 16 bytes; null at a public door. */
  readonly token: Uint8Array | null;
  /** The request was sealed to prekeys that are gone: what the owner uses now. */
  readonly learnBundle: (contact: ContactId, bytes: Uint8Array) => unknown;
  /** The route is of no use for now; called once, after the last answer was given. */
  readonly onLost: (error: unknown) => void;
}

const VERDICT_OF: Readonly<Record<DoorStatus, Verdict>> = {
  kept: 'kept',
  busy: 'busy',
  refused: 'refused',
  closed: 'refused',
  stale: 'unknown-session',
};

/** A way to somebody who has not accepted us yet: one dial for each opening. */
export class DoorRoute implements Route {
  readonly contact: ContactId;
  readonly #init: DoorRouteInit;
  #isLost = false;

  constructor(init: DoorRouteInit) {
    this.contact = init.contact;
    this.#init = init;
  }

  /** Rejects with DoorError DOOR_FORM for anything but an opening. */
  async send({ form, bytes, count, tag }: Carried, signal: AbortSignal): Promise<Verdict> {
    const { token, contact, learnBundle, dial, door } = this.#init;
    try {
      if (form !== 'opening') throw new DoorError('DOOR_FORM');
      const status = await this.#request(encodeDoorRequest({ token, count, tag, envelope: bytes }), signal);
      if (status === 'stale') learnBundle(contact, await fetchBundle(dial, door, signal));
      if (status === 'busy') this.#lost(new DoorError('DOOR_BUSY'));
      return VERDICT_OF[status];
    } catch (error) {
      this.#lost(error);
      throw error;
    }
  }

  #request(request: Uint8Array, signal: AbortSignal): Promise<DoorStatus> {
    const { dial, door } = this.#init;
    return knock(
      dial,
      door,
      { protocol: REQUEST_PROTOCOL, urgent: false, signal },
      async (channel, within) => {
        await channel.write(encodeFrame(request), within);
        const frames = new FrameReader(channel);
        const status = await frames.next(DOOR_STATUS_BYTES, DOOR_STATUS_BYTES, within);
        if (status === null) throw new DoorError('DOOR_CLOSED');
        return decodeDoorStatus(status);
      },
    );
  }

  /** In a task of its own: whoever waits for the verdict hears it first. */
  #lost(error: unknown): void {
    if (this.#isLost) return;
    this.#isLost = true;
    setImmediate(() => this.#init.onLost(error));
  }
}

interface KnockOptions {
  readonly protocol: string;
  readonly urgent: boolean;
  readonly signal: AbortSignal | undefined;
}

async function knock<T>(
  { channels, provider, random, clock }: DoorDial,
  door: OnionAddress,
  { protocol, urgent, signal }: KnockOptions,
  talk: (channel: SecureChannel, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const channel = await channels.dial(door, {
    as: linkIdentity(random(32), provider),
    protocol,
    purpose: 'door',
    isolation: toHex(random(16)),
    urgent,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const result = await withDeadline(clock, DOOR_TIMEOUT_MS, signal, (within) => talk(channel, within));
    // not awaited: it never rejects, and the answer is there
    void farewell(channel, clock);
    return result;
  } catch (error) {
    channel.abort(error as Error);
    throw error;
  }
}
