/** Invites: the documented bytes, one text for each, and typos told from other damage. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedError } from '../../src/safety/errors.ts';
import { type DecodedInvite, decodeInvite, encodeInvite, MAX_INVITE_LENGTH } from '../../src/wire/invite.ts';

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

const PRIVATE: DecodedInvite = {
  onionKey: filled(32, 1),
  fingerprint: filled(48, 2),
  expiry: 0x01020304,
  once: { token: filled(16, 3), oneTimePrekey: { id: 0x05060708, publicKey: filled(32, 4) } },
  entryPoints: [filled(32, 5), filled(32, 6)],
};
const PUBLIC: DecodedInvite = { ...PRIVATE, once: null, entryPoints: [] };

const invites: fc.Arbitrary<DecodedInvite> = fc
  .tuple(
    fc.uint8Array({ minLength: 80, maxLength: 80 }),
    fc.nat(2 ** 32 - 1),
    fc.option(
      fc.tuple(fc.uint8Array({ minLength: 48, maxLength: 48 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    ),
    fc.uniqueArray(fc.nat(255), { maxLength: 3 }),
  )
  .map(([keys, expiry, once, entries]) => ({
    onionKey: keys.slice(0, 32),
    fingerprint: keys.slice(32),
    expiry,
    once:
      once === null
        ? null
        : { token: once[0].slice(0, 16), oneTimePrekey: { id: once[1], publicKey: once[0].slice(16) } },
    entryPoints: entries.map((value) => filled(32, value)),
  }));

/** The text of these bytes with a check that fits. */
function textOf(body: Uint8Array): string {
  const check = createHash('sha256').update(body).digest().subarray(0, 4);
  return `kith:${Buffer.concat([body, check]).toString('base64url')}`;
}

function bodyOf(invite: DecodedInvite): Buffer {
  return Buffer.from(encodeInvite(invite).slice(5), 'base64url').subarray(0, -4);
}

function refuses(text: string, what: RegExp): void {
  assert.throws(
    () => decodeInvite(text),
    (error) => error instanceof MalformedError && error.format === 'invite' && what.test(error.message),
  );
}

test('an invite has the documented bytes', () => {
  const head = `${'01'.repeat(32)}${'02'.repeat(48)}01020304`;
  const once = `${'03'.repeat(16)}05060708${'04'.repeat(32)}`;
  assert.equal(bodyOf(PRIVATE).toString('hex'), `0100${head}${once}02${'05'.repeat(32)}${'06'.repeat(32)}`);
  assert.equal(bodyOf(PUBLIC).toString('hex'), `0101${head}00`);
  assert.equal(encodeInvite(PUBLIC), textOf(bodyOf(PUBLIC)));
  const longest = encodeInvite({ ...PRIVATE, entryPoints: [5, 6, 7].map((value) => filled(32, value)) });
  assert.equal(longest.length, MAX_INVITE_LENGTH);
});

test('every invite survives its text', () => {
  fc.assert(fc.property(invites, (invite) => assert.deepEqual(decodeInvite(encodeInvite(invite)), invite)));
});

test('one character changed, left out or doubled is a typo', () => {
  const text = encodeInvite(PRIVATE);
  for (let at = 7; at < text.length; at++) {
    const other = text[at] === 'A' ? 'B' : 'A';
    refuses(text.slice(0, at) + other + text.slice(at + 1), /mistyped|version/);
    refuses(text.slice(0, at) + text.slice(at + 1), /mistyped/);
    refuses(text.slice(0, at) + text[at] + text.slice(at), /mistyped/);
  }
});

test('a text of another form is refused', () => {
  refuses('', /kith:/);
  refuses('kith:', /mistyped/);
  refuses('KITH:AQ', /kith:/);
  refuses(` ${encodeInvite(PUBLIC)}`, /kith:/);
  refuses(`${encodeInvite(PUBLIC)}=`, /mistyped/);
  refuses('kith:'.padEnd(MAX_INVITE_LENGTH + 1, 'A'), /too long/);
});

test('bytes with the right check and the wrong content are refused', () => {
  const body = bodyOf(PRIVATE);
  const changed = (at: number, value: number): string => textOf(Buffer.from(body.with(at, value)));
  refuses(changed(0, 2), /version/);
  refuses(changed(1, 2), /flags/);
  refuses(changed(1, 1), /entry points|bytes after|cut off/);
  const countAt = 2 + 32 + 48 + 4 + 52;
  refuses(changed(countAt, 1), /bytes after/);
  refuses(changed(countAt, 3), /cut off/);
  refuses(changed(countAt, 4), /too many entry points/);
  const idAt = 2 + 32 + 48 + 4 + 16;
  const zeroId = Buffer.from(body);
  zeroId.fill(0, idAt, idAt + 4);
  refuses(textOf(zeroId), /id 0/);
  const twins = Buffer.from(body);
  twins.fill(5, countAt + 1);
  refuses(textOf(twins), /twice/);
  for (let size = 1; size < body.length; size++) refuses(textOf(body.subarray(0, size)), /cut off/);
});

test('what has no encoding is not written', () => {
  const once = PRIVATE.once as NonNullable<DecodedInvite['once']>;
  const wrong: DecodedInvite[] = [
    { ...PRIVATE, expiry: 2 ** 32 },
    { ...PRIVATE, onionKey: filled(31, 1) },
    { ...PRIVATE, fingerprint: filled(32, 1) },
    { ...PRIVATE, entryPoints: [1, 2, 3, 4].map((value) => filled(32, value)) },
    { ...PRIVATE, entryPoints: [filled(32, 1), filled(32, 1)] },
    { ...PRIVATE, once: { ...once, token: filled(15, 1) } },
    { ...PRIVATE, once: { ...once, oneTimePrekey: { ...once.oneTimePrekey, id: 0 } } },
  ];
  for (const invite of wrong) assert.throws(() => encodeInvite(invite), RangeError);
});
