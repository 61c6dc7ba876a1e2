/**
 * Makes the known answers of `test/vectors/` for other implementations of kith's formats: `node test/kem/own-vectors.ts`
 * writes them. All is deterministic: whatever is random is drawn from a seed and stands in the file (`draws`, in the
 * order in which it is used), and the portable provider takes coins and signing randomness. Bytes are hex.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyBundle } from '../../src/kem/bundle.ts';
import { encodeIdentity, generateIdentity, Identity } from '../../src/kem/identity.ts';
import { encryptOpening, initiate } from '../../src/kem/kx1-initiator.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { readOpening } from '../../src/kem/kx1.ts';
import { linkLogin } from '../../src/kem/link-login.ts';
import {
  generateOneTimePrekey,
  type OneTimePrekey,
  publicOneTimePrekey,
} from '../../src/kem/one-time-prekey.ts';
import { encodePrekeys, generatePrekeys, type Prekeys } from '../../src/kem/prekeys.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import type { EpochKeys } from '../../src/kem/ratchet-keys.ts';
import { sealEnvelope } from '../../src/kem/sealed-envelope.ts';
import { encodeSession } from '../../src/kem/session-codec.ts';
import type { Session } from '../../src/kem/session.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import type { Kem, Provider } from '../../src/safety/crypto/provider.ts';
import type { RandomBytes } from '../../src/safety/random.ts';
import { BOX_PAYLOAD_BYTES, cutParcel } from '../../src/wire/parcel.ts';
import { seededRandom } from '../dht/seeded-random.ts';

/** Where the files lie. */
export const VECTORS = join(import.meta.dirname, '../vectors');

/** 2026-11-21 00:00 UTC, in milliseconds. */
const NOW = Date.UTC(2026, 10, 21);

type Json = string | number | null | readonly Json[] | { readonly [field: string]: Json };

/** Randomness of one party, and what was drawn since the last look. */
class Draws {
  readonly #random: RandomBytes;
  #drawn: string[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  readonly draw = (size: number): Uint8Array<ArrayBuffer> => {
    const bytes = this.#random(size);
    this.#drawn.push(toHex(bytes));
    return bytes;
  };

  take(): string[] {
    const drawn = this.#drawn;
    this.#drawn = [];
    return drawn;
  }
}

/** The portable provider, with every coin and every signature's randomness from `draw`. */
function seeded(draw: Draws['draw']): Primitives {
  const kem = (own: Kem, coins: number): Kem => ({
    ...own,
    encapsulate: (key, given) => own.encapsulate(key, given ?? draw(coins)),
  });
  const provider: Provider = {
    ...nobleProvider,
    mlKem768: kem(nobleProvider.mlKem768, 32),
    mlKem1024: kem(nobleProvider.mlKem1024, 32),
    xWing: kem(nobleProvider.xWing, 64),
    mlDsa65: {
      ...nobleProvider.mlDsa65,
      keyPair: (seed) => {
        const pair = nobleProvider.mlDsa65.keyPair(seed);
        return { ...pair, sign: (message, context, given) => pair.sign(message, context, given ?? draw(32)) };
      },
    },
  };
  return { provider, random: draw };
}

interface Person {
  readonly draws: Draws;
  readonly p: Primitives;
  readonly identity: Identity;
  readonly prekeys: Prekeys;
  readonly json: { readonly identity: Json; readonly prekeys: Json };
}

function person(seed: number): Person {
  const draws = new Draws(seed);
  const p = seeded(draws.draw);
  const secrets = generateIdentity(p);
  const identity = new Identity(p.provider, secrets);
  const identityJson = {
    draws: draws.take(),
    encoded: toHex(encodeIdentity(secrets)),
    ed: toHex(identity.ed.publicKey),
    dsa: toHex(identity.dsa.publicKey),
    dsaHash: toHex(identity.dsaHash),
    fingerprint: toHex(identity.fingerprint),
    device: toHex(identity.device.publicKey),
  };
  const prekeys = generatePrekeys(p, identity, [], NOW);
  const prekeysJson = {
    now: NOW,
    draws: draws.take(),
    encoded: toHex(encodePrekeys(prekeys.secrets)),
    prekeyId: prekeys.id,
    bundle: toHex(prekeys.secrets.bundle),
    bundleHash: toHex(prekeys.bundleHash),
  };
  return { draws, p, identity, prekeys, json: { identity: identityJson, prekeys: prekeysJson } };
}

function keysOf({ epoch, send, receive, pairKey }: EpochKeys): Json {
  return {
    epoch,
    send: toHex(send),
    receive: toHex(receive),
    pairKey: pairKey === null ? null : toHex(pairKey),
  };
}

/** What the agreements of an opening give, from the responder's secrets: in the order of the specification. */
function agreementsOf(b: Person, plaintext: Uint8Array, oneTime: OneTimePrekey | null): Json {
  const { header } = readOpening(nobleProvider, plaintext);
  const { x25519 } = nobleProvider;
  const agreed = (secret: Uint8Array, key: Uint8Array): string => toHex(x25519.keyPair(secret).agree(key));
  const { spkSecret } = b.prekeys.secrets;
  return {
    dh1: agreed(spkSecret, header.device),
    dh2: toHex(b.identity.device.agree(header.ephemeral)),
    dh3: agreed(spkSecret, header.ephemeral),
    dh4: oneTime === null ? null : agreed(oneTime.secret, header.ephemeral),
    ss: toHex(b.prekeys.kem.decapsulate(header.ciphertext)),
  };
}

interface FirstContact {
  readonly json: { readonly [field: string]: Json };
  readonly initiator: Session;
  readonly responder: Session;
}

/** A first contact of `a` to `b` and its opening, accepted. */
function firstContact(a: Person, b: Person, withOneTime: boolean): FirstContact {
  const oneTime = withOneTime ? generateOneTimePrekey(b.p, []) : null;
  const invite = b.draws.take();
  const peer = verifyBundle(nobleProvider, b.prekeys.secrets.bundle, NOW);
  const opened = initiate(a.p, {
    identity: a.identity,
    prekeys: a.prekeys,
    peer,
    now: NOW,
    ...(oneTime === null ? {} : { oneTimePrekey: publicOneTimePrekey(nobleProvider, oneTime) }),
  });
  const initiatorDraws = a.draws.take();
  const before = toHex(encodeSession(opened.session));
  const content = withOneTime ? 'hello, from an invite' : 'hello';
  const sent = encryptOpening(a.p, opened.session, [a.prekeys], utf8(content), NOW);
  const messageDraws = a.draws.take();
  const envelope = sealEnvelope(
    a.p.provider,
    { inboxKey: peer.inbox, fingerprint: peer.fingerprint },
    sent.plaintext,
  );
  const envelopeDraws = a.draws.take();
  const accepted = accept(
    b.p,
    { identity: b.identity, prekeys: [b.prekeys], oneTimePrekey: () => oneTime, isReplayed: () => false },
    readOpening(nobleProvider, sent.plaintext),
    NOW,
  );
  const json = {
    oneTimePrekey: oneTime === null ? null : { draws: invite, id: oneTime.id, secret: toHex(oneTime.secret) },
    initiate: {
      draws: initiatorDraws,
      transcript: toHex(opened.session.transcript),
      agreements: agreementsOf(b, sent.plaintext, oneTime),
      session: before,
      epochKeys: keysOf(opened.epochKeys),
    },
    opening: {
      content,
      draws: messageDraws,
      plaintext: toHex(sent.plaintext),
      session: toHex(encodeSession(sent.session)),
    },
    envelope: { draws: envelopeDraws, bytes: toHex(envelope) },
    accept: {
      draws: b.draws.take(),
      openingId: toHex(accepted.openingId),
      replayId: toHex(accepted.replayId),
      session: toHex(encodeSession(accepted.session)),
    },
  };
  return { json, initiator: sent.session, responder: accepted.session };
}

/** Who writes what, in which size: through two epochs, with one message that arrives late. */
const TALK: readonly (readonly ['a' | 'b', string, number])[] = [
  ['b', 'hello yourself', 4_064],
  ['b', 'one more thing', 4_064],
  ['a', 'epoch 1 begins with this one', 4_064],
  ['b', 'and here comes a key for epoch 2', 8_128],
  ['a', 'a ciphertext comes back', 4_064],
  ['b', 'epoch 2', 4_064],
];
/** Delivered after all others. */
const LATE = 1;

function talk(a: Person, b: Person, contact: FirstContact): Json {
  const people = { a, b };
  const sessions = { a: contact.initiator, b: contact.responder };
  const skipped = { a: new SkippedKeyMap(), b: new SkippedKeyMap() };
  const late: (() => void)[] = [];
  const steps = TALK.map(([from, content, size], i) => {
    const to = from === 'a' ? 'b' : 'a';
    const sent = encrypt(people[from].p, sessions[from], utf8(content), size);
    sessions[from] = sent.session;
    const draws = people[from].draws.take();
    const deliver = (): void => {
      const read = decrypt(people[to].p, sessions[to], sent.message, skipped[to], NOW);
      sessions[to] = read.session;
      skipped[to].apply(read.skipped);
    };
    if (i === LATE) late.push(deliver);
    else deliver();
    return {
      from,
      content,
      draws,
      message: toHex(sent.message),
      senderAfter: toHex(encodeSession(sent.session)),
      deliveredLate: i === LATE ? 1 : 0,
      receiverDraws: people[to].draws.take(),
      receiverAfter: i === LATE ? null : toHex(encodeSession(sessions[to])),
      epochKeys: sent.epochKeys === null ? null : keysOf(sent.epochKeys),
    };
  });
  for (const deliver of late) deliver();
  return { steps, a: toHex(encodeSession(sessions.a)), b: toHex(encodeSession(sessions.b)) };
}

/** File name and content of each file. */
export function makeVectors(): ReadonlyMap<string, Json> {
  const [a, b] = [person(1), person(2)];
  const [lower, upper] = [seededRandom(3)(32), seededRandom(4)(32)];
  const plain = firstContact(a, b, false);
  const invited = firstContact(b, a, true);
  const parcel = { tag: seededRandom(5)(16), payload: seededRandom(6)(2 * BOX_PAYLOAD_BYTES) };
  const link = {
    handshakeHash: seededRandom(7)(32),
    dialerOnion: lower,
    acceptorOnion: upper,
  };
  const pairKey = seededRandom(8)(32);
  return new Map<string, Json>([
    ['identity.json', { a: a.json.identity, b: b.json.identity }],
    ['bundle.json', { a: a.json.prekeys, b: b.json.prekeys }],
    ['kx1.json', { aToB: plain.json, bToAWithOneTimePrekey: invited.json }],
    ['kr1.json', talk(a, b, plain)],
    [
      'parcel.json',
      { tag: toHex(parcel.tag), payload: toHex(parcel.payload), boxes: cutParcel(parcel).map(toHex) },
    ],
    [
      'link-login.json',
      {
        pairKey: toHex(pairKey),
        handshakeHash: toHex(link.handshakeHash),
        dialerOnion: toHex(lower),
        acceptorOnion: toHex(upper),
        dialer: toHex(linkLogin(nobleProvider, pairKey, 'dialer', link)),
        acceptor: toHex(linkLogin(nobleProvider, pairKey, 'acceptor', link)),
      },
    ],
  ]);
}

/** As it stands in the file. */
export function textOf(json: Json): string {
  return `${JSON.stringify(json, null, 1)}\n`;
}

if (import.meta.main) {
  mkdirSync(VECTORS, { recursive: true });
  for (const [name, json] of makeVectors()) writeFileSync(join(VECTORS, name), textOf(json));
}
