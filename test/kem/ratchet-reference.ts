/**
 * KR1 a second time, from docs/wire.md alone and on noble alone: a mutable party that speaks in order, for comparing
 * bytes, and the sealing of any header and body, for peers that do not follow the rules. Shares no code with src/kem.
 */

import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

type Bytes = Uint8Array;
const join = (...parts: readonly Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));
const text = (label: string): Bytes => new Uint8Array(Buffer.from(label, 'ascii'));
const be32 = (value: number): Bytes => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
const mac = (key: Bytes, ...parts: Bytes[]): Bytes => hmac(sha256, key, join(...parts));
const hkdf = (ikm: Bytes, salt: Bytes, info: Bytes, size: number): Bytes =>
  expand(sha256, extract(sha256, ikm, salt), info, size);

export interface Header {
  ratchetKey: Bytes;
  pn: number;
  n: number;
  epoch: number;
  flags?: number;
}

/** Root key, chain key, next header key, stream secret. */
function referenceRoot(rootKey: Bytes, agreed: Bytes, secret: Bytes | null, epoch: number): Bytes[] {
  const ikm = secret === null ? agreed : join(agreed, secret);
  const output = hkdf(ikm, rootKey, join(text('kith/1/kr/root'), be32(epoch)), 128);
  return [0, 32, 64, 96].map((at) => output.slice(at, at + 32));
}

/** Initiator's and responder's stream key, and what is the pair key in epoch 1. */
function referenceEpoch(secret: Bytes, epoch: number): Bytes[] {
  const output = hkdf(secret, new Uint8Array(0), join(text('kith/1/kr/epoch'), be32(epoch)), 96);
  return [output.slice(0, 32), output.slice(32, 64), output.slice(64)];
}

/** One message of a chain key, whatever its header and body say. */
export function referenceSeal(
  { chainKey, headerKey, transcript }: { chainKey: Bytes; headerKey: Bytes; transcript: Bytes },
  header: Header,
  body: Bytes,
  randomness: Bytes,
  chosenNonce?: Bytes,
): Bytes {
  const begin = join(header.ratchetKey, be32(header.pn), be32(header.n), be32(header.epoch));
  const unsalted = join(begin, new Uint8Array(16), be32(header.flags ?? 0));
  const salt = mac(chainKey, Uint8Array.of(3), randomness, unsalted, body).slice(0, 16);
  const secrets = hkdf(mac(chainKey, Uint8Array.of(1)), salt, text('kith/1/kr/message'), 56);
  const headerNonce = chosenNonce ?? secrets.slice(44);
  const plain = join(begin, salt, be32(header.flags ?? 0));
  const head = join(headerNonce, gcm(headerKey, headerNonce, transcript).encrypt(plain));
  const sealed = gcm(secrets.slice(0, 32), secrets.slice(32, 44), join(transcript, head)).encrypt(body);
  return join(head, sealed);
}

/** A body of `size` bytes: type, what it carries, content and zeros. */
export function referenceBody(type: number, carried: Bytes, content: Bytes, size: number): Bytes {
  const used = join(Uint8Array.of(type), carried, be32(content.length), content);
  return join(used, new Uint8Array(size - used.length));
}

interface Chain {
  headerKey: Bytes;
  chainKey: Bytes;
  n: number;
}

/** Speaks and listens in order, with nothing lost; draws its randomness in the order that docs/wire.md names. */
export class ReferenceParty {
  readonly transcript: Bytes;
  rootKey: Bytes;
  secret: Bytes | null = null;
  remote: Bytes | null = null;
  sending: Chain | null = null;
  receiving: Chain | null = null;
  pn = 0;
  epoch = 0;
  nextSending: Bytes;
  nextReceiving: Bytes;
  /** A proposal of mine, the other's that I answered, or nothing. */
  proposed: { seed: Bytes; key: Bytes | null } | null = null;
  answered: { ciphertext: Bytes; shared: Bytes } | null = null;
  ready: Bytes | null = null;
  due = false;
  /** Receiving chains so far. */
  chains = 0;
  streams: Bytes[] = [];

  constructor(transcript: Bytes, rootKey: Bytes, nextSending: Bytes, nextReceiving: Bytes) {
    [this.transcript, this.rootKey] = [transcript, rootKey];
    [this.nextSending, this.nextReceiving] = [nextSending, nextReceiving];
  }

  answer(key: Bytes, coins: Bytes): void {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(key, coins);
    this.answered = { ciphertext: cipherText, shared: sharedSecret };
  }

  #step(agreed: Bytes, secret: Bytes | null): { chainKey: Bytes; nextHeaderKey: Bytes } {
    const [rootKey, chainKey, nextHeaderKey, stream] = referenceRoot(
      this.rootKey,
      agreed,
      secret,
      this.epoch,
    );
    this.rootKey = rootKey as Bytes;
    if (secret !== null) this.streams = referenceEpoch(stream as Bytes, this.epoch);
    return { chainKey: chainKey as Bytes, nextHeaderKey: nextHeaderKey as Bytes };
  }

  encrypt(content: Bytes, size: number, random: (size: number) => Bytes): Bytes {
    if (this.sending === null) {
      let mixed: Bytes | null = null;
      if (this.ready !== null) [mixed, this.ready, this.epoch] = [this.ready, null, this.epoch + 1];
      else if (this.due && (this.chains - 1) % 4 === 1) {
        const seed = random(64);
        this.proposed = { seed, key: ml_kem768.keygen(seed).publicKey };
        this.due = false;
      }
      this.secret = random(32);
      const { chainKey, nextHeaderKey } = this.#step(
        x25519.getSharedSecret(this.secret, this.remote as Bytes),
        mixed,
      );
      this.sending = { headerKey: this.nextSending, chainKey, n: 0 };
      this.nextSending = nextHeaderKey;
    }
    const room = size - 108;
    let body = referenceBody(0, new Uint8Array(0), content, room);
    const next = be32(this.epoch + 1);
    if (this.answered !== null) body = referenceBody(2, join(next, this.answered.ciphertext), content, room);
    const key = this.proposed?.key ?? null;
    if (key !== null) body = referenceBody(1, join(next, key), content, room);
    const { headerKey, chainKey, n } = this.sending;
    const ratchetKey = x25519.getPublicKey(this.secret as Bytes);
    const message = referenceSeal(
      { chainKey, headerKey, transcript: this.transcript },
      { ratchetKey, pn: this.pn, n, epoch: this.epoch },
      body,
      random(32),
    );
    this.sending = { headerKey, chainKey: mac(chainKey, Uint8Array.of(2)), n: n + 1 };
    return message;
  }

  decrypt(message: Bytes, coins: (size: number) => Bytes): Bytes {
    const head = message.subarray(0, 92);
    const nonce = head.subarray(0, 12);
    const open = (key: Bytes): Bytes => gcm(key, nonce, this.transcript).decrypt(head.subarray(12));
    let header: Bytes | null = null;
    try {
      header = this.receiving === null ? null : open(this.receiving.headerKey);
    } catch {
      // of the next chain
    }
    if (header === null) {
      header = open(this.nextReceiving);
      const view = new DataView(header.buffer, header.byteOffset);
      const enters = view.getUint32(40) === this.epoch + 1;
      const mixed = enters ? (this.answered?.shared as Bytes) : null;
      if (enters) [this.epoch, this.answered, this.due] = [this.epoch + 1, null, true];
      this.chains++;
      this.remote = header.slice(0, 32);
      const step = this.#step(x25519.getSharedSecret(this.secret as Bytes, this.remote), mixed);
      this.receiving = { headerKey: this.nextReceiving, chainKey: step.chainKey, n: 0 };
      [this.nextReceiving, this.pn, this.sending] = [step.nextHeaderKey, this.sending?.n ?? 0, null];
    }
    const chain = this.receiving as Chain;
    const secrets = hkdf(
      mac(chain.chainKey, Uint8Array.of(1)),
      header.subarray(44, 60),
      text('kith/1/kr/message'),
      56,
    );
    chain.chainKey = mac(chain.chainKey, Uint8Array.of(2));
    const associated = join(this.transcript, head);
    const body = gcm(secrets.slice(0, 32), secrets.slice(32, 44), associated).decrypt(message.subarray(92));
    const view = new DataView(body.buffer, body.byteOffset);
    const carriedBytes = [0, 4 + 1_184, 4 + 1_088][body[0] as number] as number;
    const carried = body.slice(5, 1 + carriedBytes);
    if (body[0] === 1 && this.answered === null && view.getUint32(1) === this.epoch + 1)
      this.answer(carried, coins(32));
    if (body[0] === 2 && this.proposed !== null && view.getUint32(1) === this.epoch + 1) {
      this.ready = ml_kem768.decapsulate(carried, ml_kem768.keygen(this.proposed.seed).secretKey);
      this.proposed = null;
    }
    const contentBytes = view.getUint32(1 + carriedBytes);
    return body.slice(5 + carriedBytes, 5 + carriedBytes + contentBytes);
  }
}
