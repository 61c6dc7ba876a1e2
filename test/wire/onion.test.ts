import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { generateKeyPair, privateKeyFromRaw, publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeOnion,
  decodeOnionMultiaddr,
  encodeOnionMultiaddr,
  ONION_PORT,
  onionOf,
} from '../../src/wire/onion.ts';
import { ed25519KeyOf, ed25519PeerId, isPeerId } from '../../src/wire/peer-id.ts';

/** Published addresses: the Tor Project's web site and DuckDuckGo's service. */
const PUBLISHED = [
  '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid',
  'duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad',
];

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const port = fc.integer({ min: 1, max: 65_535 });

function refused(text: string): void {
  assert.throws(() => decodeOnion(text), MalformedError, text);
}

function refusedMultiaddr(text: string): void {
  assert.throws(() => decodeOnionMultiaddr(text), MalformedError, text);
}

describe('decodeOnion', () => {
  it('reads published addresses in all three forms', () => {
    for (const host of PUBLISHED) {
      for (const text of [host, `${host}.onion`, `${host}.onion:${ONION_PORT}`]) {
        const onion = decodeOnion(text);
        assert.equal(onion.host, host);
        assert.equal(onion.port, ONION_PORT);
        assert.equal(onionOf(onion.publicKey).host, host);
      }
    }
  });

  it('agrees with an independent encoder on every key and port', () => {
    fc.assert(
      fc.property(key, port, (publicKey, number) => {
        const version = Buffer.of(3);
        const prefix = Buffer.from('.onion checksum');
        const checksum = createHash('sha3-256').update(prefix).update(publicKey).update(version).digest();
        const bits = [...publicKey, ...checksum.subarray(0, 2), 3].map((byte) =>
          byte.toString(2).padStart(8, '0'),
        );
        const host = bits
          .join('')
          .match(/.{5}/g)
          ?.map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)])
          .join('');
        assert.equal(onionOf(publicKey, number).host, host);
        assert.deepEqual(decodeOnion(`${host}.onion:${number}`), { publicKey, host, port: number });
      }),
    );
  });

  it('refuses any other character at any place', () => {
    const host = PUBLISHED[0] as string;
    for (let at = 0; at < host.length; at++) {
      const other = host[at] === 'a' ? 'b' : 'a';
      refused(host.slice(0, at) + other + host.slice(at + 1));
      refused(`${host.slice(0, at)}1${host.slice(at + 1)}`);
    }
  });

  it('refuses other versions with a right checksum', () => {
    for (const version of [0, 1, 2, 4, 255]) {
      const publicKey = new Uint8Array(32).fill(7);
      const digest = createHash('sha3-256')
        .update('.onion checksum')
        .update(publicKey)
        .update(Uint8Array.of(version))
        .digest();
      const bits = [...publicKey, digest[0] as number, digest[1] as number, version]
        .map((byte) => byte.toString(2).padStart(8, '0'))
        .join('');
      refused(
        (bits.match(/.{5}/g) ?? [])
          .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)])
          .join(''),
      );
    }
  });

  it('refuses every second spelling', () => {
    const host = PUBLISHED[0] as string;
    for (const text of [
      '',
      host.toUpperCase(),
      ` ${host}`,
      `${host} `,
      `${host}\n`,
      `${host}.onion\n`,
      `${host}.onion.`,
      `${host}.ONION`,
      `www.${host}.onion`,
      `${host}.onion/`,
      `${host}:1000`,
      host.slice(1),
      `${host}a`,
      ...[
        '',
        '0',
        '00',
        '01000',
        '+1000',
        '-1',
        ' 1000',
        '1000 ',
        '1e3',
        '0x3e8',
        '65536',
        '99999',
        '100000',
        '１',
      ].map((bad) => `${host}.onion:${bad}`),
    ]) {
      refused(text);
    }
  });
});

describe('decodeOnionMultiaddr', () => {
  const host = PUBLISHED[1] as string;

  it('round-trips with and without peer id, and agrees with @multiformats/multiaddr', () => {
    fc.assert(
      fc.property(key, port, fc.boolean(), (publicKey, number, withPeer) => {
        const onion = onionOf(publicKey, number);
        const peerId = withPeer ? ed25519PeerId(publicKey) : undefined;
        const text = encodeOnionMultiaddr(onion, peerId);
        assert.equal(multiaddr(text).toString(), text);
        assert.deepEqual(decodeOnionMultiaddr(text), { onion, ...(peerId === undefined ? {} : { peerId }) });
      }),
    );
  });

  it('refuses what @multiformats/multiaddr lets through', () => {
    const wrongChecksum = `${host.slice(0, 50)}${host[50] === 'a' ? 'b' : 'a'}${host.slice(51)}`;
    assert.ok(multiaddr(`/onion3/${wrongChecksum}:1000`));
    refusedMultiaddr(`/onion3/${wrongChecksum}:1000`);
  });

  it('refuses other protocols, other forms and anything behind', () => {
    const peer = ed25519PeerId(new Uint8Array(32).fill(1));
    for (const text of [
      '',
      '/',
      `/onion3/${host}`,
      `/onion3/${host}:`,
      `/onion3/${host}:0`,
      `/onion3/${host}:01000`,
      `/onion3/${host}:65536`,
      `/onion3/${host}.onion:1000`,
      `/onion3/${host.toUpperCase()}:1000`,
      `onion3/${host}:1000`,
      `//onion3/${host}:1000`,
      `/onion3/${host}:1000/`,
      `/onion3/${host}:1000/p2p`,
      `/onion3/${host}:1000/p2p/`,
      `/onion3/${host}:1000/p2p/${peer}/`,
      `/onion3/${host}:1000/p2p/${peer}/p2p-circuit`,
      `/onion3/${host}:1000/p2p/${peer}/p2p/${peer}`,
      `/onion3/${host}:1000/ws`,
      `/onion3/${host}:1000/tcp/80`,
      `/onion3/${host}:1000/ipfs/${peer}`,
      `/onion3/${host}:1000/p2p/${peer}x`,
      `/onion3/${host}:1000/p2p/0${peer.slice(1)}`,
      `/onion3/${host}:1000/p2p/k51qzi5uqu5dh9ihj4p2v5sl3hxvv27ryx2w0xrsv6jmmqi91t9xp8p9kaipc2`,
      '/ip4/127.0.0.1/tcp/80',
      '/dnsaddr/example.com',
      `/dns4/${host}.onion/tcp/80`,
      `/onion/aaimaq4ygg2iegci:80`,
    ]) {
      refusedMultiaddr(text);
    }
  });

  it('refuses a long text without reading it', () => {
    refusedMultiaddr(`/onion3/${host}:1000/p2p/${'1'.repeat(1_000_000)}`);
  });
});

describe('peer ids', () => {
  it('are those of @libp2p/peer-id for Ed25519 keys', () => {
    fc.assert(
      fc.property(key, (seed) => {
        // a key pair from any seed, since the reference refuses bytes that are no point
        const publicKey = privateKeyFromRaw(ed25519Raw(seed)).publicKey.raw;
        const id = peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
        assert.equal(ed25519PeerId(publicKey), id);
        assert.deepEqual(ed25519KeyOf(id), publicKey);
      }),
      { numRuns: 20 },
    );
  });

  it('of other key types are accepted as a form, but hold no Ed25519 key', async () => {
    for (const type of ['secp256k1', 'RSA'] as const) {
      const id = peerIdFromPublicKey((await generateKeyPair(type)).publicKey).toString();
      assert.ok(isPeerId(id), type);
      assert.equal(ed25519KeyOf(id), undefined);
    }
  });

  it('that are accepted are read back the same by @libp2p/peer-id', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
        const id = multiaddr(`/p2p/${ed25519PeerId(digest)}`)
          .toString()
          .slice(5);
        assert.ok(isPeerId(id));
      }),
    );
    assert.equal(peerIdFromString('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N').toString().length, 46);
    assert.ok(isPeerId('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'));
  });

  it('are refused when cut, lengthened or of another hash', () => {
    const id = ed25519PeerId(new Uint8Array(32).fill(9));
    for (const bad of ['', '1', id.slice(0, -1), `${id}1`, `1${id}`, 'é'.repeat(52), '1'.repeat(62)]) {
      assert.equal(isPeerId(bad), false, bad);
    }
  });
});

function ed25519Raw(seed: Uint8Array): Uint8Array {
  const raw = new Uint8Array(64);
  raw.set(seed);
  raw.set(publicKeyOf(seed), 32);
  return raw;
}

function publicKeyOf(seed: Uint8Array): Uint8Array {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const { x } = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  });
  return Buffer.from(x as string, 'base64url');
}
