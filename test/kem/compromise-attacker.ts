/**
 * Somebody who has stolen a session with its skipped keys, sees every message, and derives all that can be derived:
 * each chain forwards, each root step for which a secret is known. The derivations are written anew from docs/wire.md.
 * Powers say what else is in reach, such as discrete logarithms. Sends nothing: an active thief can stay for ever.
 */

import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Session } from '../../src/kem/session.ts';
import type { SkippedKeyRow } from '../../src/kem/skipped-keys.ts';
import { concat, toHex } from '../../src/safety/bytes.ts';

export interface Powers {
  /** X25519 secret of a public key. */
  readonly discreteLog?: (publicKey: Uint8Array) => Uint8Array | null;
  /** ML-KEM-768 seed of a public key. */
  readonly kemSeed?: (publicKey: Uint8Array) => Uint8Array | null;
}

interface Header {
  readonly ratchetKey: Uint8Array;
  readonly n: number;
  readonly epoch: number;
  readonly salt: Uint8Array;
}

/** Message keys of one chain: some one by one, the others from a chain key on. */
interface Chain {
  readonly headerKey: Uint8Array;
  readonly keys: Map<number, Uint8Array>;
  chainKey: Uint8Array | null;
  n: number;
}

/** A root key, and what the next root step needs. Places 0 and 1 are initiator and responder. */
interface Root {
  readonly rootKey: Uint8Array;
  readonly turn: 0 | 1;
  readonly publicKeys: readonly [Uint8Array | null, Uint8Array | null];
  readonly nextHeaderKeys: readonly [Uint8Array, Uint8Array];
  readonly epoch: number;
}

const hmac = (key: Uint8Array, input: number): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(Uint8Array.of(input)).digest());
const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array | string, size: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', ikm, salt, info, size));
const u32At = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);

function open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad).setAuthTag(sealed.subarray(-16));
  const plaintext = cipher.update(sealed.subarray(0, -16));
  try {
    cipher.final();
    return new Uint8Array(plaintext);
  } catch {
    return null;
  }
}

export class Attacker {
  readonly #powers: Powers;
  readonly #transcript: Uint8Array;
  readonly #chains: Chain[] = [];
  readonly #roots: Root[] = [];
  /** X25519 secrets by public key. */
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #seeds: Uint8Array[] = [];
  /** Shared secrets that may have gone into an epoch. */
  readonly #epochSecrets = new Map<number, Uint8Array[]>();
  readonly #ciphertexts: { readonly epoch: number; readonly ciphertext: Uint8Array }[] = [];

  constructor(session: Session, rows: readonly SkippedKeyRow[], powers: Powers = {}) {
    this.#powers = powers;
    this.#transcript = session.transcript;
    this.steal(session, rows);
  }

  /** Takes what another state of the same session holds besides. */
  steal(session: Session, rows: readonly SkippedKeyRow[]): void {
    const { sending, receiving, ratchetSecret, remoteRatchetKey, pq } = session;
    const own = session.role === 'initiator' ? 0 : 1;
    const ordered = <T>(mine: T, theirs: T): readonly [T, T] => (own === 0 ? [mine, theirs] : [theirs, mine]);
    if (sending !== null) this.#chains.push({ ...sending, keys: new Map() });
    for (const chain of [...session.oldChains, ...(receiving === null ? [] : [receiving])]) {
      const keys = new Map(rows.filter((row) => row.chain === chain.id).map(({ n, key }) => [n, key]));
      const forward = chain === receiving ? receiving : { chainKey: null, n: 0 };
      this.#chains.push({ headerKey: chain.headerKey, keys, chainKey: forward.chainKey, n: forward.n });
    }
    let ownPublic = sending?.ratchetKey ?? null;
    if (ratchetSecret !== null) {
      ownPublic = nodeProvider.x25519.keyPair(ratchetSecret).publicKey;
      this.#secrets.set(toHex(ownPublic), ratchetSecret);
    }
    this.#roots.push({
      rootKey: session.rootKey,
      turn: sending === null && remoteRatchetKey !== null ? own : own === 0 ? 1 : 0,
      publicKeys: ordered(ownPublic, remoteRatchetKey),
      nextHeaderKeys: ordered(session.nextSendingHeaderKey, session.nextReceivingHeaderKey),
      epoch: pq.epoch,
    });
    if (pq.mode === 'propose') this.#seeds.push(pq.seed);
    if (pq.mode === 'ready' || pq.mode === 'answer') this.#epochSecrets.set(pq.epoch + 1, [pq.secret]);
  }

  /** Learns what a public key's seed would be, if that power is there: for keys that no message carries. */
  knowKemKey(publicKey: Uint8Array): void {
    const seed = this.#powers.kemSeed?.(publicKey);
    if (seed !== null && seed !== undefined) this.#seeds.push(seed);
  }

  /** The places of the messages that can be opened, with their contents; tries until nothing new comes of it. */
  readAll(messages: readonly Uint8Array[]): Map<number, string> {
    const opened = new Map<number, string>();
    for (let before = -1; before !== opened.size; ) {
      before = opened.size;
      for (const [place, message] of messages.entries()) {
        if (opened.has(place)) continue;
        const content = this.#read(message);
        if (content !== null) opened.set(place, content);
      }
    }
    return opened;
  }

  #read(message: Uint8Array): string | null {
    for (const chain of this.#chains) {
      const header = this.#header(message, chain.headerKey);
      const body = header === null ? null : this.#body(message, header, keyOf(chain, header.n));
      if (body !== null) return this.#learn(body);
    }
    for (const root of this.#roots.toReversed()) {
      const header = this.#header(message, root.nextHeaderKeys[root.turn]);
      if (header === null) continue;
      for (const [next, chain] of this.#steps(root, header)) {
        const body = this.#body(message, header, keyOf(chain, header.n));
        if (body === null) continue;
        this.#roots.push(next);
        this.#chains.push(chain);
        return this.#learn(body);
      }
    }
    return null;
  }

  /** Every root step that the header may stand for. */
  *#steps(root: Root, header: Header): Generator<[Root, Chain]> {
    const other = root.turn === 0 ? 1 : 0;
    const theirs = root.publicKeys[other];
    if (theirs === null) return;
    const agreed = this.#agree(header.ratchetKey, theirs);
    if (agreed === null) return;
    const entered = header.epoch === root.epoch ? [new Uint8Array(0)] : this.#secretsOf(header.epoch);
    for (const secret of entered) {
      const info = concat(Buffer.from('kith/1/kr/root'), new Uint8Array([0, 0, 0, header.epoch]));
      const output = hkdf(concat(agreed, secret), root.rootKey, info, 128);
      const headerKey = root.nextHeaderKeys[root.turn];
      yield [
        {
          rootKey: output.subarray(0, 32),
          turn: other,
          publicKeys: root.publicKeys.with(root.turn, header.ratchetKey) as [Uint8Array, Uint8Array],
          nextHeaderKeys: root.nextHeaderKeys.with(root.turn, output.subarray(64, 96)) as [
            Uint8Array,
            Uint8Array,
          ],
          epoch: header.epoch,
        },
        { headerKey, keys: new Map(), chainKey: output.subarray(32, 64), n: 0 },
      ];
    }
  }

  /** The agreement of two public keys, when a secret of either is known. */
  #agree(a: Uint8Array, b: Uint8Array): Uint8Array | null {
    for (const [mine, theirs] of [
      [a, b],
      [b, a],
    ] as const) {
      const secret = this.#secrets.get(toHex(mine)) ?? this.#powers.discreteLog?.(mine) ?? null;
      if (secret !== null) return nodeProvider.x25519.keyPair(secret).agree(theirs);
    }
    return null;
  }

  #secretsOf(epoch: number): Uint8Array[] {
    const secrets = [...(this.#epochSecrets.get(epoch) ?? [])];
    for (const { ciphertext } of this.#ciphertexts.filter((one) => one.epoch === epoch)) {
      for (const seed of this.#seeds) {
        secrets.push(nodeProvider.mlKem768.keyPair(seed).decapsulate(ciphertext));
      }
    }
    return secrets;
  }

  #header(message: Uint8Array, headerKey: Uint8Array): Header | null {
    const bytes = open(headerKey, message.subarray(0, 12), this.#transcript, message.subarray(12, 92));
    if (bytes === null) return null;
    return {
      ratchetKey: bytes.subarray(0, 32),
      n: u32At(bytes, 36),
      epoch: u32At(bytes, 40),
      salt: bytes.subarray(44, 60),
    };
  }

  #body(message: Uint8Array, { salt }: Header, messageKey: Uint8Array | null): Uint8Array | null {
    if (messageKey === null) return null;
    const output = hkdf(messageKey, salt, 'kith/1/kr/message', 56);
    const aad = concat(this.#transcript, message.subarray(0, 92));
    return open(output.subarray(0, 32), output.subarray(32, 44), aad, message.subarray(92));
  }

  /** The content; keeps what the body carries. */
  #learn(body: Uint8Array): string {
    const carried = [0, 4 + 1_184, 4 + 1_088][body[0] as number] as number;
    if (body[0] === 1) this.knowKemKey(body.slice(5, 5 + 1_184));
    if (body[0] === 2) {
      const [epoch, ciphertext] = [u32At(body, 1), body.slice(5, 5 + 1_088)];
      const known = this.#ciphertexts.some((one) => Buffer.compare(one.ciphertext, ciphertext) === 0);
      if (!known) this.#ciphertexts.push({ epoch, ciphertext });
    }
    const at = 1 + carried + 4;
    return Buffer.from(body.subarray(at, at + u32At(body, 1 + carried))).toString();
  }
}

/** The key of message `n`, if it is in or ahead of the chain. */
function keyOf(chain: Chain, n: number): Uint8Array | null {
  while (chain.chainKey !== null && chain.n <= n) {
    chain.keys.set(chain.n, hmac(chain.chainKey, 1));
    chain.chainKey = hmac(chain.chainKey, 2);
    chain.n++;
  }
  return chain.keys.get(n) ?? null;
}
