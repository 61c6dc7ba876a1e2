import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MESSAGE_1_BYTES } from '../../src/kem/xxhfs.ts';
import { ChannelError } from '../../src/net/errors.ts';
import { AcceptHandshake, DialHandshake, LIBP2P_PROLOGUE } from '../../src/net/handshake.ts';
import { equal, toHex } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { CryptoError } from '../../src/safety/crypto/provider.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { Mutator } from '../../fuzz/mutate.ts';
import { alice, bob, establish, handshakeInit, payloadOf } from './links.ts';

const dialer = (): DialHandshake => new DialHandshake(handshakeInit({ expectedKey: bob.publicKey }));
const acceptor = (): AcceptHandshake => new AcceptHandshake(handshakeInit({ identity: bob }));
const names = (): readonly string[] => ['/kith/test'];

/** Whether an error is one that refuses bytes, and not a defect. */
function refusal(error: unknown): boolean {
  return error instanceof CryptoError || error instanceof MalformedError || error instanceof ChannelError;
}

/** Whether the promise is refused; a defect is thrown on. */
async function refuses(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (refusal(error)) return true;
    throw error;
  }
}

/** One seeded change, never zero, for each position. */
function changes(seed: number, size: number): number[] {
  const mutator = new Mutator(seed, 1);
  const values: number[] = [];
  while (values.length < size) {
    const byte = mutator.next([Uint8Array.of(values.length & 255)])[0];
    if (byte !== undefined && byte !== 0) values.push(byte);
  }
  return values;
}

function changed(message: Uint8Array, at: number, by: number): Uint8Array {
  const copy = message.slice();
  copy[at] = (copy[at] as number) ^ by;
  return copy;
}

describe('link handshake', () => {
  test('ends with the same hash, the proven keys and the name', async () => {
    const { ours, theirs } = await establish('/kith/echo');
    assert.equal(toHex(ours.transport.handshakeHash), toHex(theirs.transport.handshakeHash));
    assert.ok(equal(ours.remoteKey, bob.publicKey));
    assert.ok(equal(theirs.remoteKey, alice.publicKey));
    assert.deepEqual(theirs.names, ['/kith/echo']);
    assert.deepEqual(ours.names, []);
  });

  test('works between the two crypto providers', async () => {
    const a = new DialHandshake(handshakeInit({ provider: nobleProvider }));
    const b = acceptor();
    const { frame3, established } = await a.complete(
      payloadOf(await b.answer(payloadOf(a.frame1), [])),
      0,
      names,
    );
    assert.equal(
      toHex(b.complete(payloadOf(frame3)).transport.handshakeHash),
      toHex(established.transport.handshakeHash),
    );
  });

  test('refuses every byte position of message 1 changed, before the dialer shows itself', async () => {
    const by = changes(11, MESSAGE_1_BYTES);
    let answered = 0;
    for (let at = 0; at < MESSAGE_1_BYTES; at++) {
      const [a, b] = [dialer(), acceptor()];
      const message1 = changed(payloadOf(a.frame1), at, by[at] as number);
      let frame2: Uint8Array | undefined;
      const refusedByAcceptor = await refuses(async () => {
        frame2 = await b.answer(message1, []);
      });
      if (refusedByAcceptor || frame2 === undefined) continue;
      answered++;
      const message2 = payloadOf(frame2);
      assert.ok(await refuses(() => a.complete(message2, 0, names)), `byte ${at}`);
    }
    assert.ok(answered > 100, 'most changes can only be noticed by the dialer');
  });

  test('refuses every byte position of message 2 changed', async () => {
    const size = payloadOf(await acceptor().answer(payloadOf(dialer().frame1), [])).length;
    const by = changes(22, size);
    for (let at = 0; at < size; at++) {
      const a = dialer();
      const message2 = payloadOf(await acceptor().answer(payloadOf(a.frame1), []));
      const wrong = changed(message2, at, by[at] as number);
      assert.ok(await refuses(() => a.complete(wrong, 0, names)), `byte ${at}`);
    }
  });

  test('refuses every byte position of message 3 changed', async () => {
    let size = 1;
    const by = changes(33, 1024);
    for (let at = 0; at < size; at++) {
      const [a, b] = [dialer(), acceptor()];
      const { frame3 } = await a.complete(payloadOf(await b.answer(payloadOf(a.frame1), [])), 0, names);
      size = payloadOf(frame3).length;
      const wrong = changed(payloadOf(frame3), at, by[at] as number);
      assert.ok(await refuses(() => b.complete(wrong)), `byte ${at}`);
    }
    assert.ok(size > 150);
  });

  test('a replayed transcript never authenticates, on either side', async () => {
    const [a, b] = [dialer(), acceptor()];
    const message2 = payloadOf(await b.answer(payloadOf(a.frame1), []));
    const message3 = payloadOf((await a.complete(message2, 0, names)).frame3);
    b.complete(message3);
    const fresh = acceptor();
    await fresh.answer(payloadOf(a.frame1), []);
    assert.ok(await refuses(() => fresh.complete(message3)), 'recorded messages of the dialer');
    assert.ok(
      await refuses(() => dialer().complete(message2, 0, names)),
      'recorded messages of the acceptor',
    );
  });

  test('each side signs label, role and a transcript hash of its own, as docs/wire.md says', async () => {
    const signed = new Map<string, Uint8Array>();
    const spying = (name: string, identity: typeof alice) => ({
      publicKey: identity.publicKey,
      sign: (message: Uint8Array) => {
        signed.set(name, message);
        return identity.sign(message);
      },
    });
    const a = new DialHandshake(handshakeInit({ identity: spying('dialer', alice) }));
    const b = new AcceptHandshake(handshakeInit({ identity: spying('acceptor', bob) }));
    const message2 = payloadOf(await b.answer(payloadOf(a.frame1), []));
    b.complete(payloadOf((await a.complete(message2, 0, names)).frame3));
    const hashes = [['dialer', 1] as const, ['acceptor', 2] as const].map(([name, role]) => {
      const message = signed.get(name) as Uint8Array;
      const label = new TextEncoder().encode('kith/1/link/proof');
      assert.equal(toHex(message.subarray(0, label.length)), toHex(label));
      assert.equal(message[label.length], role);
      assert.equal(message.length, label.length + 1 + 32);
      return toHex(message.subarray(label.length + 1));
    });
    assert.notEqual(hashes[0], hashes[1]);
  });

  test('a proof is worth nothing on another connection', async () => {
    // mallory stands between: he answers alice's dial with the proof he gets by dialing bob
    const signed: Uint8Array[] = [];
    const mallory = { publicKey: bob.publicKey, sign: () => signed[0] ?? new Uint8Array(64) };
    const recording = {
      publicKey: bob.publicKey,
      sign: async (message: Uint8Array) => {
        const signature = await bob.sign(message);
        signed.push(signature);
        return signature;
      },
    };
    await new AcceptHandshake(handshakeInit({ identity: recording })).answer(payloadOf(dialer().frame1), []);
    const a = dialer();
    const fake = new AcceptHandshake(handshakeInit({ identity: mallory }));
    const message2 = payloadOf(await fake.answer(payloadOf(a.frame1), []));
    await assert.rejects(a.complete(message2, 0, names), { code: 'HANDSHAKE_FAILED' });

    const b = acceptor();
    const reflecting = new DialHandshake(handshakeInit({ identity: mallory }));
    const answer = payloadOf(await b.answer(payloadOf(reflecting.frame1), []));
    const { frame3 } = await reflecting.complete(answer, 0, names);
    assert.throws(() => b.complete(payloadOf(frame3)), { code: 'HANDSHAKE_FAILED' });
  });

  test('the dialer refuses another key than the expected one without having signed anything', async () => {
    let signatures = 0;
    const counting = {
      publicKey: alice.publicKey,
      sign: (message: Uint8Array) => {
        signatures++;
        return alice.sign(message);
      },
    };
    const a = new DialHandshake(handshakeInit({ identity: counting, expectedKey: alice.publicKey }));
    const message2 = payloadOf(await acceptor().answer(payloadOf(a.frame1), []));
    await assert.rejects(a.complete(message2, 0, names), { code: 'WRONG_KEY' });
    assert.equal(signatures, 0);
  });

  test('links of the two prologues do not understand each other', async () => {
    const a = new DialHandshake(handshakeInit({ prologue: LIBP2P_PROLOGUE }));
    const message2 = payloadOf(await acceptor().answer(payloadOf(a.frame1), []));
    await assert.rejects(a.complete(message2, 0, names), CryptoError);
  });

  test('names beyond what the step allows are refused', async () => {
    const [a, b] = [dialer(), acceptor()];
    const message2 = payloadOf(await b.answer(payloadOf(a.frame1), ['/yamux/1.0.0']));
    await assert.rejects(a.complete(message2, 0, names), MalformedError);
    const [c, d] = [dialer(), acceptor()];
    const { frame3 } = await c.complete(payloadOf(await d.answer(payloadOf(c.frame1), [])), 0, () => [
      'a',
      'b',
    ]);
    assert.throws(() => d.complete(payloadOf(frame3)), MalformedError);
  });
});
