/** Keeps both sides of a link at the newest bundles: each says its own where the other knows an older one. */

import type { ContactId } from '../../delivery/face.ts';
import { bundleHash } from '../../kem/bundle.ts';
import { KemError } from '../../kem/errors.ts';
import { equal } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import type { Log } from '../../safety/log.ts';
import { Allowance } from '../../safety/allowance.ts';
import { LinkError } from './errors.ts';
import type { LinkDelivery } from './face.ts';
import type { FrameWriter } from './frame-writer.ts';
import { BUNDLE_BURST, BUNDLE_INTERVAL_MS } from './limits.ts';

export interface BundleExchangeInit {
  readonly contact: ContactId;
  readonly delivery: Pick<LinkDelivery, 'bundle' | 'learnBundle'>;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly log: Log;
  /** Of our bundle as they know it, 32 bytes. */
  readonly bundleHash: Uint8Array;
}

export class BundleExchange {
  readonly #init: BundleExchangeInit;
  readonly #theirs: Allowance;
  /** Of the bundle of ours that they have, as far as we know. */
  #ourHash: Uint8Array;

  constructor(init: BundleExchangeInit) {
    this.#init = init;
    this.#theirs = new Allowance(init.clock, BUNDLE_BURST, BUNDLE_INTERVAL_MS);
    this.#ourHash = init.bundleHash;
  }

  /** Says ours if it is new to them. */
  offer(writer: Pick<FrameWriter, 'first'>): void {
    const { delivery, provider } = this.#init;
    const bytes = delivery.bundle();
    const hash = bundleHash(provider, bytes);
    if (equal(hash, this.#ourHash)) return;
    this.#ourHash = hash;
    writer.first({ type: 'bundle', bytes });
  }

  /** Takes theirs. Throws LinkError LINK_VIOLATED when there are too many, MalformedError when it is none. */
  learn(bytes: Uint8Array): void {
    const { contact, delivery, log } = this.#init;
    if (!this.#theirs.take()) throw new LinkError('LINK_VIOLATED');
    try {
      delivery.learnBundle(contact, bytes);
    } catch (error) {
      // a clock that is wrong, theirs or ours, is no reason to part
      if (!(error instanceof KemError)) throw error;
      log('warn', "a friend's bundle was not accepted", { code: error.code });
    }
  }
}
