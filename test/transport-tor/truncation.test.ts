import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { TestNetwork } from './nodes.ts';

const PROTOCOL = '/test/upload/1';
const SENT = 10_000;

let net: TestNetwork | undefined;

afterEach(() => net?.remove());

/** Two nodes and a stream on which 10,000 bytes have arrived; `outcome` is what the reader's loop comes to. */
async function begun() {
  net = await TestNetwork.create();
  const [alice, bob] = await Promise.all([net.node(), net.node()]);
  const arrived = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<string>();
  let received = 0;
  await bob.libp2p.handle(PROTOCOL, async (stream: Stream) => {
    try {
      for await (const part of stream) {
        received += part.byteLength;
        if (received === SENT) arrived.resolve();
      }
      outcome.resolve('clean');
    } catch (error) {
      outcome.resolve((error as Error).name);
    }
  });
  const stream = await alice.libp2p.dialProtocol(bob.libp2p.getMultiaddrs(), PROTOCOL);
  stream.send(new Uint8Array(SENT));
  await arrived.promise;
  return { network: net.network, alice, bob, stream, outcome: outcome.promise, received: () => received };
}

describe("streams over link 'kith'", { timeout: 60_000 }, () => {
  it('throw in the reader, and tell the writer, when the circuit is cut', async () => {
    const { network, stream, outcome, received } = await begun();
    const closed = new Promise<Error | undefined>((resolve) =>
      stream.addEventListener('close', (event) => resolve(event.error)),
    );
    assert.equal(network.kill(), 1);
    assert.equal(await outcome, 'StreamResetError');
    assert.equal(received(), SENT);
    assert.equal((await closed)?.name, 'StreamResetError');
  });

  it('end when the writer ends them, and when it closes the connection or stops in order', async () => {
    for (const way of ['stream', 'connection', 'node'] as const) {
      const { alice, bob, stream, outcome } = await begun();
      const gone = new Promise<Error | undefined>((resolve) =>
        bob.libp2p
          .getConnections()[0]
          ?.addEventListener('close', (event) => resolve((event as { error?: Error }).error)),
      );
      if (way === 'stream') await stream.close();
      else if (way === 'connection') await alice.libp2p.getConnections()[0]?.close();
      else await alice.libp2p.stop();
      assert.equal(await outcome, 'clean', way);
      if (way !== 'stream') assert.equal(await gone, undefined, way);
      await net?.remove();
    }
  });
});
