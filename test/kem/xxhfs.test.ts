import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KemError } from '../../src/kem/errors.ts';
import {
  MESSAGE_1_BYTES,
  MESSAGE_2_OVERHEAD_BYTES,
  MESSAGE_3_OVERHEAD_BYTES,
  type Transport,
} from '../../src/kem/xxhfs.ts';
import { XxhfsInitiator } from '../../src/kem/xxhfs-initiator.ts';
import { XxhfsResponder } from '../../src/kem/xxhfs-responder.ts';
import { concat, fromHex, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { CryptoError, type Provider } from '../../src/safety/crypto/provider.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { systemRandom } from '../../src/safety/random.ts';

const none = new Uint8Array(0);
const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

function initiator(provider: Provider = nodeProvider): XxhfsInitiator {
  const [staticSecret, ephemeralSecret, kem] = [systemRandom(32), systemRandom(32), systemRandom(64)];
  return new XxhfsInitiator(provider, utf8('test'), { staticSecret, ephemeralSecret, kem });
}

function responder(provider: Provider = nodeProvider, prologue = 'test'): XxhfsResponder {
  const [staticSecret, ephemeralSecret] = [systemRandom(32), systemRandom(32)];
  return new XxhfsResponder(provider, utf8(prologue), { staticSecret, ephemeralSecret });
}

/** Runs a whole handshake with payloads and returns what each side ends with. */
function run(a: XxhfsInitiator, b: XxhfsResponder): [Transport, Transport] {
  b.readMessage1(a.writeMessage1());
  const boundTo2 = b.beginMessage2();
  const message2 = b.writeMessage2(utf8('from responder'));
  assert.equal(message2.length, MESSAGE_2_OVERHEAD_BYTES + 14);
  const read2 = a.readMessage2(message2);
  assert.deepEqual(
    [toHex(read2.payload), toHex(read2.boundHash)],
    [toHex(utf8('from responder')), toHex(boundTo2)],
  );
  const boundTo3 = a.beginMessage3();
  const message3 = a.writeMessage3(utf8('from initiator'));
  assert.equal(message3.length, MESSAGE_3_OVERHEAD_BYTES + 14);
  const read3 = b.readMessage3(message3);
  assert.deepEqual(
    [toHex(read3.payload), toHex(read3.boundHash)],
    [toHex(utf8('from initiator')), toHex(boundTo3)],
  );
  return [a.finish(), b.finish()];
}

const refused = (error: unknown): boolean => error instanceof CryptoError || error instanceof MalformedError;
const wrongState = (error: unknown): boolean => error instanceof KemError && error.code === 'WRONG_STATE';

describe('Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256', () => {
  // vector 1 of paschal533/pq-noise-artifacts; only the responder needs coins, so node:crypto can be the initiator
  for (const [name, provider] of [
    ['node', nodeProvider],
    ['noble', nobleProvider],
  ] as const) {
    test(`gives the public known answer with the ${name} provider as initiator`, () => {
      const a = new XxhfsInitiator(provider, none, {
        staticSecret: filled(32, 0x11),
        ephemeralSecret: filled(32, 0x13),
        kem: filled(64, 0x15),
      });
      const b = new XxhfsResponder(nobleProvider, none, {
        staticSecret: filled(32, 0x12),
        ephemeralSecret: filled(32, 0x14),
        kem: filled(32, 0x16),
      });
      b.readMessage1(a.writeMessage1());
      b.beginMessage2();
      a.readMessage2(b.writeMessage2(none));
      a.beginMessage3();
      b.readMessage3(a.writeMessage3(none));
      const [ours, theirs] = [a.finish(), b.finish()];
      const hash = 'b5a3c9854777aa5dad0a633c769bcc6662713f20f14e0371e4bfd253e1869eef';
      assert.equal(toHex(ours.handshakeHash), hash);
      assert.equal(toHex(theirs.handshakeHash), hash);
      const sealedUnder = (key: string): string =>
        toHex(nobleProvider.chaCha20Poly1305.seal(fromHex(key), filled(12, 0), none, utf8('probe')));
      const [first, second] = [
        sealedUnder('0a825d67cbf14170dcccf6f5c54d50f46a9a23541122654f5bec41ef0a5657e5'),
        sealedUnder('f8546817671a440fd8df45b26fd6b45ebbf39e4207455ca12bc6d56ac0b35ebc'),
      ];
      assert.equal(toHex(ours.send.encrypt(none, utf8('probe'))), first);
      assert.equal(toHex(theirs.send.encrypt(none, utf8('probe'))), second);
      assert.equal(toHex(ours.receive.decrypt(none, fromHex(second))), toHex(utf8('probe')));
      assert.equal(toHex(theirs.receive.decrypt(none, fromHex(first))), toHex(utf8('probe')));
    });
  }

  test('the providers understand each other in both roles', () => {
    for (const ours of [nodeProvider, nobleProvider]) {
      for (const theirs of [nodeProvider, nobleProvider]) {
        const [a, b] = run(initiator(ours), responder(theirs));
        assert.equal(toHex(a.handshakeHash), toHex(b.handshakeHash));
        const sealed = a.send.encrypt(none, utf8('there'));
        assert.equal(toHex(b.receive.decrypt(none, sealed)), toHex(utf8('there')));
        assert.equal(toHex(a.receive.decrypt(none, b.send.encrypt(none, utf8('back')))), toHex(utf8('back')));
      }
    }
  });

  test('two handshakes never share a hash', () => {
    const hashes = new Set(
      Array.from({ length: 4 }, () => toHex(run(initiator(), responder())[0].handshakeHash)),
    );
    assert.equal(hashes.size, 4);
  });

  test('another prologue is refused', () => {
    const [a, b] = [initiator(), responder(nodeProvider, 'other')];
    b.readMessage1(a.writeMessage1());
    b.beginMessage2();
    assert.throws(() => a.readMessage2(b.writeMessage2(none)), CryptoError);
  });

  test('wipes the secrets it was given', () => {
    const secrets = [systemRandom(32), systemRandom(32), systemRandom(64)] as const;
    const a = new XxhfsInitiator(nodeProvider, none, {
      staticSecret: secrets[0],
      ephemeralSecret: secrets[1],
      kem: secrets[2],
    });
    for (const secret of secrets)
      assert.deepEqual(
        secret,
        secret.map(() => 0),
      );
    const [own, ephemeral] = [systemRandom(32), systemRandom(32)];
    const b = new XxhfsResponder(nodeProvider, none, { staticSecret: own, ephemeralSecret: ephemeral });
    b.readMessage1(a.writeMessage1());
    b.beginMessage2();
    assert.deepEqual([own, ephemeral], [filled(32, 0), filled(32, 0)]);
  });

  test('steps out of order are refused and change nothing', () => {
    const [a, b] = [initiator(), responder()];
    const early: (() => unknown)[] = [
      () => a.readMessage2(none),
      () => a.beginMessage3(),
      () => a.writeMessage3(none),
      () => a.finish(),
      () => b.beginMessage2(),
      () => b.writeMessage2(none),
      () => b.readMessage3(none),
      () => b.finish(),
    ];
    for (const step of early) assert.throws(step, wrongState);
    run(a, b);
    for (const step of [...early, () => a.writeMessage1(), () => b.readMessage1(none)])
      assert.throws(step, wrongState);
  });

  test('a refused message leaves the machine dead', () => {
    const [a, b] = [initiator(), responder()];
    b.readMessage1(a.writeMessage1());
    b.beginMessage2();
    const message2 = b.writeMessage2(none);
    const changed = message2.slice();
    changed[100] = (changed[100] as number) ^ 1;
    assert.throws(() => a.readMessage2(changed), CryptoError);
    assert.throws(() => a.readMessage2(message2), wrongState);
  });

  test('wrong lengths are refused', () => {
    for (const size of [0, 31, MESSAGE_1_BYTES - 1, MESSAGE_1_BYTES + 1]) {
      assert.throws(() => responder().readMessage1(new Uint8Array(size)), MalformedError);
    }
    for (const size of [0, 32, MESSAGE_2_OVERHEAD_BYTES - 1, MESSAGE_2_OVERHEAD_BYTES]) {
      const a = initiator();
      a.writeMessage1();
      assert.throws(() => a.readMessage2(systemRandom(size)), refused);
    }
    for (const size of [0, MESSAGE_3_OVERHEAD_BYTES - 1, MESSAGE_3_OVERHEAD_BYTES]) {
      const b = responder();
      b.readMessage1(initiator().writeMessage1());
      b.beginMessage2();
      b.writeMessage2(none);
      assert.throws(() => b.readMessage3(systemRandom(size)), refused);
    }
  });

  test('small-order X25519 points are refused in both roles', () => {
    const points = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map(fromHex);
    for (const point of points) {
      const b = responder();
      b.readMessage1(concat(point, initiator().writeMessage1().subarray(32)));
      assert.throws(() => b.beginMessage2(), CryptoError);
      const a = initiator();
      a.writeMessage1();
      assert.throws(() => a.readMessage2(concat(point, systemRandom(MESSAGE_2_OVERHEAD_BYTES))), CryptoError);
    }
  });

  test('ML-KEM keys with coefficients above the modulus are refused at message 1', () => {
    const message1 = initiator().writeMessage1();
    for (const at of [32, 32 + 576, MESSAGE_1_BYTES - 32 - 3]) {
      const changed = message1.slice();
      changed.fill(0xff, at, at + 3);
      assert.throws(() => responder().readMessage1(changed), CryptoError);
      assert.throws(() => responder(nobleProvider).readMessage1(changed), CryptoError);
    }
  });
});
