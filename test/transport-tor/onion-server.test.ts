/** A stop that comes while an onion starts leaves no socket: what it missed is closed by the start itself. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { OnionServer } from '../../src/transport-tor/onion-server.ts';
import { onionOf } from '../../src/wire/onion.ts';

test('stopped while it starts, it listens nowhere and says why', async () => {
  const socketDir = await mkdtemp(join(tmpdir(), 'kos-'));
  const seed = randomBytes(32);
  const server = new OnionServer({
    seed,
    onion: onionOf(nodeProvider.ed25519.publicKey(seed)),
    socketDir,
    services: { publish: () => assert.fail('published') },
    onSocket: (socket) => socket.destroy(),
  });
  const started = server.start();
  await Promise.all([assert.rejects(started, { code: 'ENDPOINT_STATE' }), server.stop()]);
  for (const name of await readdir(socketDir)) {
    const refused = await new Promise((resolve) => {
      connect(join(socketDir, name))
        .once('error', resolve)
        .once('connect', () => resolve(null));
    });
    assert.ok(refused instanceof Error, 'somebody still listens');
  }
  await rm(socketDir, { recursive: true });
});
