/**
 * Authentication on a fresh control connection by tor's cookie file.
 *
 * Specification: control-spec 3.5 (AUTHENTICATE) and 3.24 (AUTHCHALLENGE, "SAFECOOKIE"). SAFECOOKIE proves that
 * both sides can read the cookie without sending it, so a program that merely sits on our socket path learns
 * nothing; plain COOKIE is used only where SAFECOOKIE is not offered. The cookie file's path is taken from
 * PROTOCOLINFO and must hold exactly 32 bytes.
 */

import { createHmac } from 'node:crypto';
import { open } from 'node:fs/promises';
import { concat, equal, fromHex, toHex, utf8, wipe } from '../../safety/bytes.ts';
import type { RandomBytes } from '../../safety/random.ts';
import { keyValues } from './control-command.ts';
import type { ControlReply } from './control-reply.ts';
import { ControlError } from './errors.ts';

const COOKIE_BYTES = 32;
const NONCE_BYTES = 32;
const SERVER_KEY = 'Tor safe cookie authentication server-to-controller hash';
const CLIENT_KEY = 'Tor safe cookie authentication controller-to-server hash';

/** Sends one command of bare words and gives its reply. */
export type SendCommand = (keyword: string, words: readonly string[]) => Promise<ControlReply>;

/** Authenticates the connection behind `send`. Throws ControlError CONTROL_AUTH when either side cannot show the cookie. */
export async function authenticate(send: SendCommand, random: RandomBytes): Promise<void> {
  const info = await send('PROTOCOLINFO', ['1']);
  const auth = info.lines.map((line) => line.text).find((text) => text.startsWith('AUTH '));
  const offered = keyValues(auth ?? '');
  const methods = (offered.get('METHODS') ?? '').split(',');
  if (!methods.includes('SAFECOOKIE') && !methods.includes('COOKIE')) throw denied('it offers no cookie');
  const cookie = await readCookie(offered.get('COOKIEFILE') ?? '');
  try {
    const proof = methods.includes('SAFECOOKIE') ? await challenge(send, cookie, random) : cookie;
    await send('AUTHENTICATE', [toHex(proof)]);
  } catch (error) {
    if (error instanceof ControlError && error.code === 'CONTROL_REFUSED')
      throw denied('it refused the cookie');
    throw error;
  } finally {
    wipe(cookie);
  }
}

/** Checks that tor knows the cookie and returns the hash that shows that we do. */
async function challenge(send: SendCommand, cookie: Uint8Array, random: RandomBytes): Promise<Uint8Array> {
  const clientNonce = random(NONCE_BYTES);
  const reply = await send('AUTHCHALLENGE', ['SAFECOOKIE', toHex(clientNonce)]);
  const values = keyValues(reply.lines[0]?.text ?? '');
  const serverHash = hexField(values.get('SERVERHASH'));
  const transcript = concat(cookie, clientNonce, hexField(values.get('SERVERNONCE')));
  if (!equal(hmac(SERVER_KEY, transcript), serverHash)) throw denied('it does not know the cookie');
  return hmac(CLIENT_KEY, transcript);
}

function hexField(value: string | undefined): Uint8Array {
  if (value === undefined || !/^[0-9A-Fa-f]{64}$/.test(value)) throw denied('its challenge is malformed');
  return fromHex(value);
}

function hmac(key: string, message: Uint8Array): Uint8Array {
  return createHmac('sha256', utf8(key)).update(message).digest();
}

async function readCookie(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const cookie = new Uint8Array(COOKIE_BYTES + 1); // one more, to notice a longer file
    const { bytesRead } = await file.read(cookie, 0, cookie.length, 0);
    if (bytesRead === COOKIE_BYTES) return cookie.slice(0, COOKIE_BYTES);
  } catch (cause) {
    throw denied('its cookie file cannot be read', cause);
  }
  throw denied('its cookie file has the wrong size');
}

function denied(why: string, cause?: unknown): ControlError {
  return new ControlError('CONTROL_AUTH', `the control socket is not the tor we started: ${why}`, {
    hint: 'Another tor or program may use the same data directory; stop it, or choose another directory.',
    cause,
  });
}
