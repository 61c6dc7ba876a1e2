/**
 * What each side of a link says behind the login, before anything is carried: its bundle, where the other knows an older
 * one, and the highest count of the other's ciphertexts that it has. So who was rolled back hears of it before it sends.
 */

import type { ContactId } from '../../delivery/face.ts';
import { withDeadline } from '../../net/deadline.ts';
import type { Clock } from '../../safety/clock.ts';
import type { FriendFrame } from '../../wire/friend-frame.ts';
import type { BundleExchange } from './bundle-exchange.ts';
import { LinkError } from './errors.ts';
import type { LinkDelivery } from './face.ts';
import type { FrameWriter } from './frame-writer.ts';
import { LOGIN_TIMEOUT_MS } from './limits.ts';

export interface GreetingInit {
  readonly contact: ContactId;
  readonly delivery: Pick<LinkDelivery, 'counts' | 'theySaw'>;
  readonly clock: Clock;
  readonly bundles: Pick<BundleExchange, 'offer' | 'learn'>;
  readonly writer: Pick<FrameWriter, 'first'>;
  /** The next frame of theirs; null: they ended the link. */
  readonly next: (signal: AbortSignal) => Promise<FriendFrame | null>;
}

/** Resolves when both have said it. Throws LinkError, what `next` throws, or the signal's reason. */
export async function greet(init: GreetingInit, signal: AbortSignal): Promise<void> {
  const { contact, delivery, clock, bundles, writer } = init;
  bundles.offer(writer);
  const { seen, tag } = delivery.counts(contact);
  writer.first({ type: 'seen', seen, tag });
  await withDeadline(
    clock,
    LOGIN_TIMEOUT_MS,
    signal,
    (within) => hear(init, within),
    () => new LinkError('LINK_SILENT'),
  );
}

async function hear({ contact, delivery, bundles, next }: GreetingInit, signal: AbortSignal): Promise<void> {
  for (;;) {
    // a frame after the other
    // oxlint-disable-next-line no-await-in-loop
    const frame = await next(signal);
    if (frame?.type === 'seen') return delivery.theySaw(contact, frame.seen, frame.tag);
    if (frame?.type !== 'bundle') throw new LinkError(frame === null ? 'LINK_CLOSED' : 'LINK_VIOLATED');
    bundles.learn(frame.bytes);
  }
}
