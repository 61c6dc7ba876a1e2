/**
 * `provider-vs-noble`: each primitive on node:crypto (value) and on the portable provider (baseline). Keys that a
 * session keeps are made before; what it makes anew for each message is made in each operation.
 */

import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Aead, Kem, Provider } from '../../src/safety/crypto/provider.ts';
import { compared, type Pair, type Row } from '../row.ts';
import { cpuUs } from './contender.ts';

const PAIRS = 11;
/** CPU time (µs) of one side of a pair: long beside the clock's resolution and one garbage collection. */
const BATCH_US = 15_000;

type Operation = () => unknown;
/** Prepares an operation, so that only the operation is measured. */
type Prepare = (provider: Provider) => Operation;

const filled = (length: number, value = 7) => new Uint8Array(length).fill(value);
const MESSAGE = filled(4064);
const AAD = filled(124);
const NONCE = filled(12);
const CONTEXT = new TextEncoder().encode('bench');

const kem = (
  name: string,
  of: (provider: Provider) => Kem,
  seed: Uint8Array,
): (readonly [string, Prepare])[] => [
  [`${name}-key-pair`, (provider) => () => of(provider).keyPair(seed)],
  [
    `${name}-encapsulate`,
    (provider) => {
      const { publicKey } = of(provider).keyPair(seed);
      return () => of(provider).encapsulate(publicKey);
    },
  ],
  [
    `${name}-decapsulate`,
    (provider) => {
      const pair = of(provider).keyPair(seed);
      const { ciphertext } = of(provider).encapsulate(pair.publicKey);
      return () => pair.decapsulate(ciphertext);
    },
  ],
];

const aead = (name: string, of: (provider: Provider) => Aead): (readonly [string, Prepare])[] => [
  [`${name}-seal-4k`, (provider) => () => of(provider).seal(filled(32), NONCE, AAD, MESSAGE)],
  [
    `${name}-open-4k`,
    (provider) => {
      const sealed = of(provider).seal(filled(32), NONCE, AAD, MESSAGE);
      return () => of(provider).open(filled(32), NONCE, AAD, sealed);
    },
  ],
];

const PRIMITIVES: readonly (readonly [name: string, prepare: Prepare])[] = [
  ['sha256-4k', (provider) => () => provider.sha256(MESSAGE)],
  ['sha384-4k', (provider) => () => provider.sha384(MESSAGE)],
  ['hmac-sha256', (provider) => () => provider.hmacSha256(filled(32), NONCE)],
  ['hkdf-sha256', (provider) => () => provider.hkdfSha256(filled(64), filled(32), NONCE, 128)],
  ['x25519-key-pair', (provider) => () => provider.x25519.keyPair(filled(32))],
  [
    'x25519-agree',
    ({ x25519 }) => {
      const [own, peer] = [x25519.keyPair(filled(32)), x25519.keyPair(filled(32, 8))];
      return () => own.agree(peer.publicKey);
    },
  ],
  [
    'ed25519-sign',
    ({ ed25519 }) => {
      const signer = ed25519.signer(filled(32));
      return () => signer.sign(MESSAGE);
    },
  ],
  [
    'ed25519-verify',
    ({ ed25519 }) => {
      const signer = ed25519.signer(filled(32));
      const signature = signer.sign(MESSAGE);
      return () => ed25519.verify(signer.publicKey, MESSAGE, signature);
    },
  ],
  [
    'ml-dsa-65-key-pair',
    ({ mlDsa65 }) =>
      () =>
        mlDsa65.keyPair(filled(32)),
  ],
  [
    'ml-dsa-65-sign',
    ({ mlDsa65 }) => {
      const pair = mlDsa65.keyPair(filled(32));
      return () => pair.sign(MESSAGE, CONTEXT);
    },
  ],
  [
    'ml-dsa-65-verify',
    ({ mlDsa65 }) => {
      const pair = mlDsa65.keyPair(filled(32));
      const signature = pair.sign(MESSAGE, CONTEXT);
      return () => mlDsa65.verify(pair.publicKey, MESSAGE, signature, CONTEXT);
    },
  ],
  ...kem('ml-kem-768', ({ mlKem768 }) => mlKem768, filled(64)),
  ...kem('ml-kem-1024', ({ mlKem1024 }) => mlKem1024, filled(64)),
  ...kem('x-wing', ({ xWing }) => xWing, filled(32)),
  ...aead('aes-256-gcm', ({ aes256Gcm }) => aes256Gcm),
  ...aead('chacha20-poly1305', ({ chaCha20Poly1305 }) => chaCha20Poly1305),
];

/** One row a primitive, and one with their geometric mean. */
export async function* providerRows(): AsyncGenerator<Row> {
  const all: (readonly Pair[])[] = [];
  for (const [name, prepare] of PRIMITIVES) {
    const pairs = await measure(prepare);
    all.push(pairs);
    yield compared('e2e', `provider-vs-noble/${name}`, 'µs', pairs, null);
  }
  const means = Array.from({ length: PAIRS }, (_, i) => ({
    value: geometricMean(all.map((pairs) => (pairs[i] as Pair).value)),
    baseline: geometricMean(all.map((pairs) => (pairs[i] as Pair).baseline)),
  }));
  yield compared('e2e', 'provider-vs-noble', 'µs', means, null);
}

async function measure(prepare: Prepare): Promise<Pair[]> {
  const [node, noble] = [await batch(prepare(nodeProvider)), await batch(prepare(nobleProvider))];
  const pairs: Pair[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const baseline = await noble();
    pairs.push({ value: await node(), baseline });
  }
  return pairs;
}

/** Warms the operation up, and finds out how often it has to run to fill a batch. */
async function batch(operation: Operation): Promise<() => Promise<number>> {
  let count = 1;
  for (let us = 0; us * count < BATCH_US / 2; count *= 2) us = await cpuUs(count, operation);
  const us = await cpuUs(count, operation);
  const full = Math.max(1, Math.round(BATCH_US / us));
  return () => cpuUs(full, operation);
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
