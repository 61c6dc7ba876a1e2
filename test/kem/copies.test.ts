/** What promises copies gives copies, also of a Buffer, whose `slice` is a view; and providers may give Buffers. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifyBundle } from '../../src/kem/bundle.ts';
import { CipherState } from '../../src/kem/cipher-state.ts';
import { decodeIdentity, encodeIdentity, Identity, wipeIdentity } from '../../src/kem/identity.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { decodePrekeys, encodePrekeys } from '../../src/kem/prekeys.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { decodeBody, decodeHeader, encodeBody, encodeHeader } from '../../src/kem/ratchet-message.ts';
import { openEnvelope, sealEnvelope } from '../../src/kem/sealed-envelope.ts';
import { eraseReplaced, eraseSession, openAsInitiator, openAsResponder } from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { XxhfsInitiator } from '../../src/kem/xxhfs-initiator.ts';
import { XxhfsResponder } from '../../src/kem/xxhfs-responder.ts';
import { copyOf, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Aead, Provider } from '../../src/safety/crypto/provider.ts';
import { decodeAnnouncement, encodeAnnouncement } from '../../src/wire/announcement.ts';
import { decodeLinkPayload, encodeLinkPayload } from '../../src/wire/link-payload.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { cutParcel, decodeBox, joinParcel } from '../../src/wire/parcel.ts';
import { decodeSayReceipt, encodeSayReceipt } from '../../src/wire/say.ts';
import { decodeSlot, decodeSlotKey, encodeSlot, slotKey } from '../../src/wire/slot.ts';
import { contactTo, NOW, node, Party } from './parties.ts';

const none = new SkippedKeyMap();
const filled = (size: number, value = 7): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(value);

/** All byte strings in a value, by their path. */
function byteStrings(value: unknown, path = ''): [string, Uint8Array][] {
  if (value instanceof Uint8Array) return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => byteStrings(part, `${path}.${name}`));
}

/** Asserts that the result of `read` has plain byte strings that stay when the input changes. */
function givesCopies(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  const input = Buffer.from(bytes);
  const parts = byteStrings(read(input));
  assert.ok(parts.length > 0);
  const before = parts.map(([, part]) => Buffer.from(part).toString('hex'));
  for (let i = 0; i < input.length; i++) input[i] = (input[i] as number) ^ 0xff;
  for (const [i, [path, part]] of parts.entries()) {
    assert.equal(Object.getPrototypeOf(part), Uint8Array.prototype, `${path} is plain`);
    assert.equal(Buffer.from(part).toString('hex'), before[i], `${path} stays`);
  }
}

test('copyOf: like slice, but always plain and of its own memory', () => {
  for (const bytes of [Uint8Array.of(1, 2, 3, 4), Buffer.from([1, 2, 3, 4])]) {
    for (const [from, to] of [[], [1], [1, 3], [-2], [0, -1], [3, 9], [9]]) {
      const copy = copyOf(bytes, from, to);
      assert.deepEqual(copy, Uint8Array.of(1, 2, 3, 4).slice(from, to));
      assert.notEqual(copy.buffer, bytes.buffer);
    }
  }
});

describe('copies of a Buffer', () => {
  const [alice, bob] = [new Party(), new Party()];
  const made = contactTo(alice, bob.verified());
  const accepted = accept(node, bob.keys, made.opening, NOW);
  const answer = encrypt(node, accepted.session, utf8('answer'), 4_064);
  const answered = decrypt(node, made.session, answer.message, none, NOW).session;
  const tag = filled(16);
  const [box] = cutParcel({ tag, payload: filled(4_064) }) as [Uint8Array];
  const header = { ratchetKey: filled(32), pn: 1, n: 2, epoch: 3, salt: filled(16) };
  const key = { type: 'key', epoch: 1, key: filled(1_184) } as const;
  const ciphertext = { type: 'ciphertext', epoch: 1, ciphertext: filled(1_088) } as const;
  const body = (attachment: typeof key | typeof ciphertext): Uint8Array =>
    encodeBody({ attachment, content: utf8('content') }, 2_000);
  const times = { issued: 1_800_000_000, expiry: 1_800_000_100 };
  const signed = { publicKey: filled(32), signature: filled(64) };
  const slot = { pk: filled(32), seq: 1, expiry: 2, ciphertext: filled(512), signature: filled(64) };

  const cases: Record<string, [Uint8Array, (bytes: Uint8Array) => unknown]> = {
    'verified bundle': [alice.bundle, (bytes) => verifyBundle(nodeProvider, bytes, NOW)],
    identity: [encodeIdentity(alice.secrets), decodeIdentity],
    prekeys: [encodePrekeys(alice.newest.secrets), decodePrekeys],
    'session before the answer': [encodeSession(made.session), decodeSession],
    'session that answers': [encodeSession(answer.session), decodeSession],
    'session after the answer': [encodeSession(answered), decodeSession],
    'ratchet header': [encodeHeader(header), decodeHeader],
    'ratchet body with a key': [body(key), decodeBody],
    'ratchet body with a ciphertext': [body(ciphertext), decodeBody],
    box: [box, decodeBox],
    parcel: [tag, (bytes) => joinParcel([{ tag: bytes, index: 0, count: 1, payload: filled(4_064) }]).tag],
    slot: [encodeSlot(slot), decodeSlot],
    'slot key': [slotKey(slot.pk), decodeSlotKey],
    announcement: [encodeAnnouncement({ ...signed, ...times }), decodeAnnouncement],
    'link payload': [encodeLinkPayload({ ...signed, names: ['/x'] }), (bytes) => decodeLinkPayload(bytes)],
    'say receipt': [
      encodeSayReceipt({ status: 'written', sizeBytes: 1, digest: filled(32) }),
      decodeSayReceipt,
    ],
    'onion address': [filled(32), (bytes) => onionOf(bytes)],
    'device id of an identity': [
      alice.secrets.deviceId,
      (deviceId) => new Identity(nodeProvider, { ...alice.secrets, deviceId }).deviceId,
    ],
    'session of an initiator': [
      filled(64),
      (bytes) =>
        openAsInitiator({
          transcript: bytes.subarray(0, 32),
          keys: { rootKey: bytes, initiatorHeaderKey: bytes, responderHeaderKey: bytes },
          remoteRatchetKey: bytes,
          answerSeed: bytes,
          opening: { header: bytes, expiry: 1 },
        }),
    ],
    'session of a responder': [
      filled(64),
      (bytes) =>
        openAsResponder({
          transcript: bytes.subarray(0, 32),
          keys: { rootKey: bytes, initiatorHeaderKey: bytes, responderHeaderKey: bytes },
          ratchetSecret: bytes,
        }),
    ],
  };
  for (const [name, [bytes, read]] of Object.entries(cases)) test(name, () => givesCopies(bytes, read));

  test('erasing what was read leaves the row as it is', () => {
    const row = Buffer.from(encodeSession(answered));
    const before = row.toString('hex');
    const session = decodeSession(row);
    eraseReplaced(session, encrypt(node, session, utf8('next'), 4_064).session);
    eraseSession(session);
    assert.equal(row.toString('hex'), before);
    const secrets = Buffer.from(encodeIdentity(alice.secrets));
    wipeIdentity(decodeIdentity(secrets));
    assert.deepEqual(new Uint8Array(secrets), encodeIdentity(alice.secrets));
  });
});

describe('a link handshake whose messages lie in a Buffer that is used again', () => {
  const random = (kem?: Uint8Array): { staticSecret: Uint8Array; ephemeralSecret: Uint8Array } => ({
    staticSecret: node.random(32),
    ephemeralSecret: node.random(32),
    ...(kem === undefined ? {} : { kem }),
  });

  test('comes to the same keys', () => {
    const a = new XxhfsInitiator(nodeProvider, utf8('test'), { ...random(), kem: node.random(64) });
    const b = new XxhfsResponder(nodeProvider, utf8('test'), random());
    const reused = (message: Uint8Array, read: (message: Buffer) => unknown): void => {
      const buffer = Buffer.from(message);
      read(buffer);
      buffer.fill(0xee);
    };
    reused(a.writeMessage1(), (message) => b.readMessage1(message));
    b.beginMessage2();
    reused(b.writeMessage2(utf8('b')), (message) => a.readMessage2(message));
    a.beginMessage3();
    reused(a.writeMessage3(utf8('a')), (message) => b.readMessage3(message));
    assert.deepEqual(a.finish().handshakeHash, b.finish().handshakeHash);
  });
});

describe('a provider that gives Buffers', () => {
  /** Pooled, as those of node are: a view into memory that others have too. */
  const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  const aead = (own: Aead): Aead => ({
    seal: (...args) => buffer(own.seal(...args)),
    open: (...args) => buffer(own.open(...args)),
  });
  const provider: Provider = {
    ...nodeProvider,
    sha256: (...parts) => buffer(nodeProvider.sha256(...parts)),
    hmacSha256: (...args) => buffer(nodeProvider.hmacSha256(...args)),
    hkdfSha256: (...args) => buffer(nodeProvider.hkdfSha256(...args)),
    chaCha20Poly1305: aead(nodeProvider.chaCha20Poly1305),
    aes256Gcm: aead(nodeProvider.aes256Gcm),
  };

  test('seals envelopes that another opens', () => {
    const { newest, identity } = new Party();
    const recipient = { inboxKey: newest.inbox.publicKey, fingerprint: identity.fingerprint };
    const plaintext = filled(15_119);
    const envelope = sealEnvelope(provider, recipient, plaintext);
    assert.deepEqual(openEnvelope(nodeProvider, [newest.inbox], identity.fingerprint, envelope), plaintext);
  });

  test('replaces the key of a link as another does', () => {
    const [ours, theirs] = [provider, nodeProvider].map(
      ({ chaCha20Poly1305 }) => new CipherState(chaCha20Poly1305, filled(32)),
    ) as [CipherState, CipherState];
    ours.rekey();
    theirs.rekey();
    const sealed = ours.encrypt(filled(0), utf8('x'));
    assert.deepEqual(theirs.decrypt(filled(0), sealed), utf8('x'));
  });

  test('shakes hands with another, and the hash stays when the state is erased', () => {
    const random = (): { staticSecret: Uint8Array; ephemeralSecret: Uint8Array } => ({
      staticSecret: node.random(32),
      ephemeralSecret: node.random(32),
    });
    const a = new XxhfsInitiator(provider, utf8('test'), { ...random(), kem: node.random(64) });
    const b = new XxhfsResponder(nodeProvider, utf8('test'), random());
    b.readMessage1(a.writeMessage1());
    b.beginMessage2();
    a.readMessage2(b.writeMessage2(utf8('b')));
    a.beginMessage3();
    b.readMessage3(a.writeMessage3(utf8('a')));
    assert.equal(Buffer.compare(a.finish().handshakeHash, b.finish().handshakeHash), 0);
  });

  test('decrypts what another has encrypted, and keeps it', () => {
    const [alice, bob] = [new Party(), new Party()];
    const made = contactTo(alice, bob.verified(), utf8('first'));
    const accepted = accept({ provider, random: node.random }, bob.keys, made.opening, NOW);
    assert.deepEqual(accepted.content, utf8('first'));
    assert.deepEqual(accepted.peer.fingerprint, alice.identity.fingerprint);
  });
});
