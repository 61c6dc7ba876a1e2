/**
 * A session from its first opening on, with everything that went over the wire, and after each step everything that
 * either side has on its disk: identity, prekeys, unused one-time prekeys, session and skipped keys, all as bytes.
 */

import { decodeIdentity, encodeIdentity, Identity } from '../../src/kem/identity.ts';
import { readOpening } from '../../src/kem/kx1.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { encryptOpening, initiate } from '../../src/kem/kx1-initiator.ts';
import { type OneTimePrekey, publicOneTimePrekey } from '../../src/kem/one-time-prekey.ts';
import { decodePrekeys, encodePrekeys, Prekeys } from '../../src/kem/prekeys.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { openEnvelope, sealEnvelope } from '../../src/kem/sealed-envelope.ts';
import { eraseReplaced, type Session } from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap, type SkippedKeyRow } from '../../src/kem/skipped-keys.ts';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { NOW, node, Party } from './parties.ts';

export interface Recorded {
  readonly from: 0 | 1;
  /** As it went over the wire: an opening in its envelope. */
  readonly bytes: Uint8Array;
  readonly isOpening: boolean;
  readonly content: string;
  readonly epoch: number;
  /** Number of its sender's chain, from 0. */
  readonly chain: number;
  readonly sentAt: number;
  /** Null: not read (yet). */
  readonly readAt: number | null;
}

/** What a thief finds on a disk. */
export interface Stolen {
  readonly side: 0 | 1;
  readonly at: number;
  readonly identity: Identity;
  readonly prekeys: readonly Prekeys[];
  readonly oneTime: readonly OneTimePrekey[];
  /** Null in a responder that has read nothing. */
  readonly session: Session | null;
  readonly rows: readonly SkippedKeyRow[];
}

export interface Scene {
  readonly messages: readonly Recorded[];
  readonly thefts: readonly Stolen[];
  /** The KX1 header, which only who opens the envelope sees. */
  readonly header: Uint8Array;
  readonly transcript: Uint8Array;
  /** The one-time prekey that was used, secret included: no disk has it any more. */
  readonly invite: OneTimePrekey | null;
  readonly alice: Party;
  readonly bob: Party;
  /** Secrets by public key, of all X25519 keys that Alice and Bob made. */
  readonly discreteLog: (publicKey: Uint8Array) => Uint8Array | null;
}

/** Letters: who sends a message. Digits: which message arrives, by its place. */
const SCRIPT = 'a0 a b a3 b4 2 a a6 b7 a8 5 b9 a10 b11 a12 b13 a14 b15 a16 b17 a18 b19 a20 b21 a22 b23';
const MESSAGE_BYTES = 4_064;

export function diskOf(
  party: Party,
  session: Session | null,
  rows: SkippedKeyRow[],
  side: 0 | 1,
  at: number,
): Stolen {
  return {
    side,
    at,
    identity: new Identity(nodeProvider, decodeIdentity(encodeIdentity(party.secrets))),
    prekeys: party.prekeys.map(
      ({ secrets }) => new Prekeys(nodeProvider, decodePrekeys(encodePrekeys(secrets))),
    ),
    oneTime: [...party.oneTime.values()].map(({ id, secret }) => ({ id, secret: secret.slice() })),
    session: session === null ? null : decodeSession(encodeSession(session)),
    rows: rows.map((row) => ({ ...row, key: row.key.slice() })),
  };
}

/** Plays the script between new people; with an invite's one-time prekey or without. */
export function play(withOneTime = false): Scene {
  const logarithms = new Map<string, Uint8Array>();
  const x25519 = {
    keyPair: (secret: Uint8Array) => {
      const pair = nodeProvider.x25519.keyPair(secret);
      logarithms.set(toHex(pair.publicKey), secret.slice());
      return pair;
    },
  };
  const p: Primitives = { ...node, provider: { ...nodeProvider, x25519 } };
  const [alice, bob] = [new Party(), new Party()];
  const parties = [alice, bob] as const;
  const peer = bob.verified();
  const recipient = { inboxKey: peer.inbox, fingerprint: peer.fingerprint };
  const invite = withOneTime ? bob.invite() : null;
  const more = invite === null ? {} : { oneTimePrekey: publicOneTimePrekey(nodeProvider, invite) };
  const started = initiate(p, { identity: alice.identity, prekeys: alice.newest, peer, now: NOW, ...more });
  const { transcript, opening } = started.session;
  const header = (opening as NonNullable<typeof opening>).header.slice();
  const sessions: [Session, Session | null] = [started.session, null];
  const skipped = [new SkippedKeyMap(), new SkippedKeyMap()] as const;
  const chains = [-1, -1];
  const messages: Recorded[] = [];
  const thefts: Stolen[] = [];

  const send = (from: 0 | 1, at: number): void => {
    const before = sessions[from] as Session;
    if (before.sending === null) chains[from] = (chains[from] as number) + 1;
    const isOpening = before.opening !== null;
    const content = `message ${messages.length}`;
    let bytes: Uint8Array;
    if (isOpening) {
      const sent = encryptOpening(p, before, alice.prekeys, utf8(content), NOW);
      bytes = sealEnvelope(nodeProvider, recipient, sent.plaintext);
      sessions[from] = sent.session;
    } else {
      const sent = encrypt(p, before, utf8(content), MESSAGE_BYTES);
      bytes = sent.message;
      sessions[from] = sent.session;
    }
    const after = sessions[from];
    eraseReplaced(before, after);
    const { epoch } = after.pq;
    messages.push({
      from,
      bytes,
      isOpening,
      content,
      epoch,
      chain: chains[from] as number,
      sentAt: at,
      readAt: null,
    });
  };
  const read = (place: number, at: number): void => {
    const message = messages[place] as Recorded;
    messages[place] = { ...message, readAt: at };
    const to = message.from === 0 ? 1 : 0;
    const before = sessions[to];
    let { bytes } = message;
    if (message.isOpening) {
      const plaintext = openEnvelope(nodeProvider, [bob.newest.inbox], peer.fingerprint, bytes);
      const received = readOpening(nodeProvider, plaintext);
      if (before === null) {
        const accepted = accept(p, bob.keys, received, NOW);
        sessions[1] = accepted.session;
        skipped[1].apply(accepted.skipped);
        bob.oneTime.delete(accepted.oneTimePrekeyId);
        return;
      }
      bytes = received.message;
    }
    const decrypted = decrypt(p, before as Session, bytes, skipped[to], NOW);
    skipped[to].apply(decrypted.skipped);
    sessions[to] = decrypted.session;
    eraseReplaced(before as Session, decrypted.session);
  };

  for (const [at, step] of SCRIPT.split(' ').entries()) {
    const who = { a: 0, b: 1 }[step[0] as string] as 0 | 1 | undefined;
    if (who !== undefined) send(who, at);
    const arrives = who === undefined ? step : step.slice(1);
    if (arrives !== '') read(Number(arrives), at);
    for (const side of [0, 1] as const) {
      thefts.push(diskOf(parties[side], sessions[side], [...skipped[side].rows()], side, at));
    }
  }
  const discreteLog = (key: Uint8Array): Uint8Array | null => logarithms.get(toHex(key)) ?? null;
  return {
    messages,
    thefts,
    header,
    transcript,
    invite,
    alice,
    bob,
    discreteLog,
  };
}
