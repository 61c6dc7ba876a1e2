/**
 * Messages 1, 2 and 3 of the link handshake, given to machines that are ready for them. The first byte chooses the
 * message, and whether the rest is the message or a pattern that is laid over a valid one from a given place on. Only
 * an unchanged message may be accepted where it is authentic; everything else is a typed refusal.
 */

import assert from 'node:assert/strict';
import { XxhfsInitiator } from '../src/kem/xxhfs-initiator.ts';
import { XxhfsResponder } from '../src/kem/xxhfs-responder.ts';
import { CryptoError } from '../src/safety/crypto/provider.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);
const PAYLOAD = filled(97, 7);

function initiator(): XxhfsInitiator {
  return new XxhfsInitiator(nodeProvider, PAYLOAD, {
    staticSecret: filled(32, 1),
    ephemeralSecret: filled(32, 2),
    kem: filled(64, 3),
  });
}

function responder(): XxhfsResponder {
  return new XxhfsResponder(nodeProvider, PAYLOAD, {
    staticSecret: filled(32, 4),
    ephemeralSecret: filled(32, 5),
  });
}

/** Message 1 is the same in every run, so one serves all. */
const MESSAGE_1 = initiator().writeMessage1();

/** `rest` itself, or laid over `valid` at the place that its first two bytes name. */
function made(valid: Uint8Array, over: boolean, rest: Uint8Array): Uint8Array {
  if (!over) return rest;
  const [high = 0, low = 0] = rest;
  const message = valid.slice();
  for (const [i, byte] of rest.subarray(2).entries()) {
    const at = (high * 256 + low + i) % message.length;
    message[at] = (message[at] as number) ^ byte;
  }
  return message;
}

/** Whether the message was taken; throws on what is not a typed refusal. */
function takes(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof CryptoError || error instanceof MalformedError) return false;
    throw error;
  }
}

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const rest = data.subarray(1);
  const over = mode >= 128;
  if (mode % 3 === 0) {
    const b = responder();
    const message = made(MESSAGE_1, over, rest);
    // message 1 proves nothing, but whatever is taken must be answerable or refused in order
    if (takes(() => b.readMessage1(message))) takes(() => b.beginMessage2());
    return;
  }
  const [a, b] = [initiator(), responder()];
  b.readMessage1(a.writeMessage1());
  b.beginMessage2();
  const message2 = b.writeMessage2(PAYLOAD);
  if (mode % 3 === 1) {
    const message = made(message2, over, rest);
    const same = Buffer.compare(message, message2) === 0;
    assert.equal(
      takes(() => a.readMessage2(message)),
      same,
    );
    return;
  }
  a.readMessage2(message2);
  a.beginMessage3();
  const message3 = a.writeMessage3(PAYLOAD);
  const message = made(message3, over, rest);
  const same = Buffer.compare(message, message3) === 0;
  assert.equal(
    takes(() => b.readMessage3(message)),
    same,
  );
}
