/**
 * The link handshake with identities: XXhfs (kem/xxhfs.ts) whose payloads carry an Ed25519 key, names, and a
 * signature over label, role and the transcript so far. The signature is bound to this one connection by both
 * ephemeral keys and both static keys, so it is worth nothing anywhere else.
 *
 *     dialer                                      acceptor
 *       1  e, e1                             ->
 *          <-                                     2  e, ekem1, s, {key, proof, names}
 *       3  s, {key, proof, name}             ->
 *
 * The dialer proves itself only after it has checked the acceptor, whose identity is open to any dialer. The names
 * are authentic like the keys. Identities are classical (Ed25519); confidentiality is hybrid post-quantum.
 */

import { concat, equal, utf8 } from '../safety/bytes.ts';
import { CryptoError, type Provider } from '../safety/crypto/provider.ts';
import { KithError, MalformedError } from '../safety/errors.ts';
import type { RandomBytes } from '../safety/random.ts';
import {
  MESSAGE_1_BYTES,
  MESSAGE_2_OVERHEAD_BYTES,
  MESSAGE_3_OVERHEAD_BYTES,
  type ReceivedPayload,
  type Transport,
} from '../kem/xxhfs.ts';
import { XxhfsInitiator } from '../kem/xxhfs-initiator.ts';
import { XxhfsResponder } from '../kem/xxhfs-responder.ts';
import { encodeFrame } from '../wire/frame.ts';
import {
  decodeLinkPayload,
  encodeLinkPayload,
  type LinkPayload,
  MAX_LINK_NAMES,
  maxLinkPayloadBytes,
  MIN_LINK_PAYLOAD_BYTES,
} from '../wire/link-payload.ts';
import { ChannelError } from './errors.ts';
import type { FrameReader } from './frame-reader.ts';
import type { LinkIdentity } from './link-identity.ts';

/** Prologue of links that carry one channel each. */
export const CHANNEL_PROLOGUE = utf8('kith/1/link/channel');
/** Prologue of the libp2p encrypter: the two never understand each other. */
export const LIBP2P_PROLOGUE = utf8('kith/1/link/libp2p');

const PROOF_LABEL = utf8('kith/1/link/proof');
const DIALER = Uint8Array.of(1);
const ACCEPTOR = Uint8Array.of(2);

export interface HandshakeInit {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly prologue: Uint8Array;
  readonly identity: LinkIdentity;
  /** The only key the other side may prove; null: any. */
  readonly expectedKey: Uint8Array | null;
}

/** What both sides know when it is done. */
export interface Established {
  readonly transport: Transport;
  /** Ed25519 key that the other side proved, 32 bytes. */
  readonly remoteKey: Uint8Array;
  /** What the other side named in its payload. */
  readonly names: readonly string[];
}

async function prove(identity: LinkIdentity, role: Uint8Array, hash: Uint8Array, names: readonly string[]) {
  const signature = await identity.sign(concat(PROOF_LABEL, role, hash));
  return encodeLinkPayload({ publicKey: identity.publicKey, signature, names });
}

/** Throws MalformedError, or ChannelError WRONG_KEY or HANDSHAKE_FAILED. */
function check(
  init: HandshakeInit,
  role: Uint8Array,
  received: ReceivedPayload,
  maxNames: number,
): LinkPayload {
  const payload = decodeLinkPayload(received.payload, maxNames);
  const proof = concat(PROOF_LABEL, role, received.boundHash);
  if (!init.provider.ed25519.verify(payload.publicKey, proof, payload.signature)) {
    throw new ChannelError('HANDSHAKE_FAILED');
  }
  if (init.expectedKey !== null && !equal(init.expectedKey, payload.publicKey)) {
    throw new ChannelError('WRONG_KEY');
  }
  return payload;
}

/** The dialing side. */
export class DialHandshake {
  /** Message 1 as a frame: may be sent before anybody listens. */
  readonly frame1: Uint8Array;
  readonly #init: HandshakeInit;
  readonly #noise: XxhfsInitiator;

  constructor(init: HandshakeInit) {
    this.#init = init;
    this.#noise = new XxhfsInitiator(init.provider, init.prologue, {
      staticSecret: init.random(32),
      ephemeralSecret: init.random(32),
      kem: init.random(64),
    });
    this.frame1 = encodeFrame(this.#noise.writeMessage1());
  }

  /**
   * Judges message 2 and answers with message 3 as a frame. `choose` sees the names the acceptor offered (at most
   * `maxNames`) and says what to name.
   */
  async complete(
    message2: Uint8Array,
    maxNames: number,
    choose: (offered: readonly string[]) => readonly string[],
  ): Promise<{ readonly frame3: Uint8Array; readonly established: Established }> {
    const received = this.#noise.readMessage2(message2);
    const { publicKey, names } = check(this.#init, ACCEPTOR, received, maxNames);
    const chosen = choose(names);
    const payload = await prove(this.#init.identity, DIALER, this.#noise.beginMessage3(), chosen);
    const frame3 = encodeFrame(this.#noise.writeMessage3(payload));
    return { frame3, established: { transport: this.#noise.finish(), remoteKey: publicKey, names } };
  }
}

/** The accepting side. */
export class AcceptHandshake {
  readonly #init: HandshakeInit;
  readonly #noise: XxhfsResponder;

  constructor(init: HandshakeInit) {
    this.#init = init;
    this.#noise = new XxhfsResponder(init.provider, init.prologue, {
      staticSecret: init.random(32),
      ephemeralSecret: init.random(32),
    });
  }

  /** Judges message 1 and answers with message 2 as a frame, which offers `names`. The expensive step. */
  async answer(message1: Uint8Array, names: readonly string[]): Promise<Uint8Array> {
    this.#noise.readMessage1(message1);
    const payload = await prove(this.#init.identity, ACCEPTOR, this.#noise.beginMessage2(), names);
    return encodeFrame(this.#noise.writeMessage2(payload));
  }

  /** Judges message 3. */
  complete(message3: Uint8Array): Established {
    const received = this.#noise.readMessage3(message3);
    const { publicKey, names } = check(this.#init, DIALER, received, 1);
    return { transport: this.#noise.finish(), remoteKey: publicKey, names };
  }
}

/** Throws ChannelError HANDSHAKE_FAILED when the stream ended instead. */
function required(frame: Uint8Array | null): Uint8Array {
  if (frame === null) throw new ChannelError('HANDSHAKE_FAILED');
  return frame;
}

/** Message 1, whose length is refused at its first two bytes unless it is exact. */
export async function readMessage1(frames: FrameReader, signal?: AbortSignal): Promise<Uint8Array> {
  return required(await frames.next(MESSAGE_1_BYTES, MESSAGE_1_BYTES, signal));
}

/** Message 2 with at most `maxNames` names. */
export async function readMessage2(
  frames: FrameReader,
  maxNames: number = MAX_LINK_NAMES,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const least = MESSAGE_2_OVERHEAD_BYTES + MIN_LINK_PAYLOAD_BYTES;
  const most = MESSAGE_2_OVERHEAD_BYTES + maxLinkPayloadBytes(maxNames);
  return required(await frames.next(least, most, signal));
}

/** Message 3 with at most one name. */
export async function readMessage3(frames: FrameReader, signal?: AbortSignal): Promise<Uint8Array> {
  const least = MESSAGE_3_OVERHEAD_BYTES + MIN_LINK_PAYLOAD_BYTES;
  const most = MESSAGE_3_OVERHEAD_BYTES + maxLinkPayloadBytes(1);
  return required(await frames.next(least, most, signal));
}

/**
 * A failure of the handshake as the caller sees it: what the peer or the connection did is HANDSHAKE_FAILED with its
 * cause; an abort, a deadline, and typed errors of the layer that opened the connection stay what they are.
 */
export function handshakeError(error: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted === true && signal.reason === error) return error as Error;
  const ofConnection =
    error instanceof ChannelError && (error.code === 'CLOSED' || error.code === 'TRUNCATED');
  const ofPeer = error instanceof CryptoError || error instanceof MalformedError;
  if (error instanceof KithError && !ofConnection && !ofPeer) return error;
  return new ChannelError('HANDSHAKE_FAILED', error);
}
