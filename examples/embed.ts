/**
 * An ordinary libp2p app that lives behind Tor: it echoes what others send to it. What makes it different from any
 * other libp2p app are the lines marked with 1 to 4.
 *
 *   node examples/embed.ts ./alice                      listens and prints its address
 *   node examples/embed.ts ./bob <address> hello        asks that address
 *
 * In an app of your own the imports read `kith/transport-tor` and `kith/noise`.
 */

import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey, Stream } from '@libp2p/interface';
import { ping } from '@libp2p/ping';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noiseHfs } from '../src/net/noise-hfs.ts';
import {
  onionMultiaddr,
  type TorTransportInit,
  tor,
  torAddresses,
  torConnectionDefaults,
} from '../src/transport-tor/index.ts';

const ECHO = '/example/echo/1.0.0';

/** The app. `torOptions` say which tor: `{ dataDir }` for one of its own. */
export async function createApp(privateKey: PrivateKey, torOptions: TorTransportInit): Promise<Libp2p> {
  const app = await createLibp2p({
    // 1. patience for circuits, no DNS, no address but onions
    ...torConnectionDefaults,
    // 2. the onion of this key is the address of this node
    addresses: torAddresses(onionMultiaddr(privateKey)),
    // 3. the transport; without `link`, lines 4 and the muxer are not needed either, and dialing is a little faster
    transports: [tor({ ...torOptions, link: 'libp2p' })],
    // 4. post-quantum, and nothing else to fall back to
    connectionEncrypters: [noiseHfs()],
    streamMuxers: [yamux()],
    services: { ping: ping() },
    privateKey,
  });
  await app.handle(ECHO, echo);
  return app;
}

async function echo(stream: Stream): Promise<void> {
  for await (const bytes of stream) if (!stream.send(bytes)) await stream.onDrain();
  await stream.close();
}

/** What the app at `address` says to `text`. */
export async function ask(app: Libp2p, address: string, text: string, signal?: AbortSignal): Promise<string> {
  const stream = await app.dialProtocol(multiaddr(address), ECHO, signal === undefined ? {} : { signal });
  stream.send(new TextEncoder().encode(text));
  await stream.close();
  let answer = '';
  const decoder = new TextDecoder();
  for await (const bytes of stream) answer += decoder.decode(bytes.subarray(), { stream: true });
  return answer;
}

/** The key in `dir`, made when there is none. */
async function openKey(dir: string): Promise<PrivateKey> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'key');
  try {
    return privateKeyFromProtobuf(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = await generateKeyPair('Ed25519');
  await writeFile(path, privateKeyToProtobuf(key), { mode: 0o600, flag: 'wx' });
  return key;
}

if (import.meta.main) {
  const [dir = './app', address, ...words] = process.argv.slice(2);
  const app = await createApp(await openKey(dir), { dataDir: join(dir, 'tor') });
  if (address === undefined) process.stdout.write(`${app.getMultiaddrs().join('\n')}\n`);
  else {
    process.stdout.write(`${await ask(app, address, words.join(' '))}\n`);
    await app.stop();
  }
}
