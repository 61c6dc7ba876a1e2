/**
 * What somebody opens of recorded traffic who has stolen everything that is on a person's disk, prekeys included. Of a
 * responder: the openings, as long as the prekeys are kept, and its own first answer until that was answered; never what
 * lies behind. Of an initiator: nothing. Each refusal stands beside a theft, or a power, that does open the same.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeKx1Header, deriveSecrets } from '../../src/kem/kx1.ts';
import { erasureDue, generatePrekeys } from '../../src/kem/prekeys.ts';
import type { OneTimePrekey } from '../../src/kem/one-time-prekey.ts';
import { openEnvelope } from '../../src/kem/sealed-envelope.ts';
import { openAsResponder } from '../../src/kem/session.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { CryptoError } from '../../src/safety/crypto/provider.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { Attacker, type Powers } from './compromise-attacker.ts';
import { DAY, NOW, node } from './parties.ts';
import { diskOf, play, type Recorded, type Scene, type Stolen } from './prekey-theft-scene.ts';

const HEADER_BYTES = 1_739;
const scene = play();

interface Loot {
  /** Disks of one side or both. */
  readonly disks: readonly Stolen[];
  /** Discrete logarithms, as a quantum computer has them. */
  readonly logarithms?: boolean;
  /** Openings without their envelopes, as if an inbox key had been stolen some other time. */
  readonly unsealed?: ReadonlyMap<number, Uint8Array>;
}

/** The KR1 message in an opening, if an inbox key of the disks opens the envelope. */
function unseal({ bytes }: Recorded, disks: readonly Stolen[], { bob }: Scene): Uint8Array | null {
  for (const { prekeys } of disks) {
    const inboxes = prekeys.map(({ inbox }) => inbox);
    try {
      const plaintext = openEnvelope(nodeProvider, inboxes, bob.identity.fingerprint, bytes);
      return plaintext.subarray(HEADER_BYTES);
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
    }
  }
  return null;
}

/** The KX1 secrets from every set of prekeys, as if the header named it: gives the state that Bob began with. */
function* beginnings({ header, transcript, invite, discreteLog }: Scene, loot: Loot) {
  const { device, ephemeral, ciphertext } = decodeKx1Header(header);
  const known = loot.logarithms === true ? discreteLog(ephemeral) : null;
  for (const { identity, prekeys, oneTime } of loot.disks) {
    for (const { spk, kem, secrets } of prekeys) {
      const least = [spk.agree(device), identity.device.agree(ephemeral), spk.agree(ephemeral)];
      const invites = oneTime.map(({ secret }) => nodeProvider.x25519.keyPair(secret).agree(ephemeral));
      if (known !== null && invite !== null) {
        const { publicKey } = nodeProvider.x25519.keyPair(invite.secret);
        invites.push(nodeProvider.x25519.keyPair(known).agree(publicKey));
      }
      for (const more of [[], ...invites.map((agreed) => [agreed])]) {
        const agreements = [...least, ...more, kem.decapsulate(ciphertext)].map((secret) => secret.slice());
        const { keys } = deriveSecrets(nodeProvider, transcript, agreements);
        yield openAsResponder({ transcript, keys, ratchetSecret: secrets.spkSecret });
      }
    }
  }
}

/** The places of the messages that are opened; the thief knows the transcript and the header in any case. */
function attack(from: Scene, loot: Loot): Set<number> {
  const seeds = new Map<string, Uint8Array>();
  for (const { prekeys } of loot.disks) {
    for (const { secrets } of prekeys) {
      const { publicKey } = nodeProvider.mlKem768.keyPair(secrets.answerSeed);
      seeds.set(toHex(publicKey), secrets.answerSeed);
    }
  }
  const kemSeed = (key: Uint8Array): Uint8Array | null => seeds.get(toHex(key)) ?? null;
  const powers: Powers = loot.logarithms === true ? { kemSeed, discreteLog: from.discreteLog } : { kemSeed };
  const states = [
    ...[...beginnings(from, loot)].map((session) => ({ session, rows: [] })),
    ...loot.disks.flatMap(({ session, rows }) => (session === null ? [] : [{ session, rows }])),
  ];
  const [first, ...others] = states;
  if (first === undefined) return new Set();
  const attacker = new Attacker(first.session, first.rows, powers);
  for (const { session, rows } of others) attacker.steal(session, rows);
  for (const { prekeys } of loot.disks) {
    for (const { secrets } of prekeys) {
      attacker.knowKemKey(nodeProvider.mlKem768.keyPair(secrets.answerSeed).publicKey);
    }
  }
  const inClear = from.messages.map((message, place) =>
    message.isOpening
      ? (loot.unsealed?.get(place) ?? unseal(message, loot.disks, from) ?? new Uint8Array(4_064))
      : message.bytes,
  );
  const opened = attacker.readAll(inClear);
  for (const [place, content] of opened) assert.ok(content.endsWith(from.messages[place]?.content as string));
  return new Set(opened.keys());
}

const thefts = (side: 0 | 1): Stolen[] => scene.thefts.filter((stolen) => stolen.side === side);
const sorted = (opened: ReadonlySet<number>): number[] => [...opened].sort((a, b) => a - b);
const last = (side: 0 | 1): Stolen => thefts(side).at(-1) as Stolen;
const places = (judge: (message: Recorded) => boolean): number[] =>
  scene.messages.flatMap((message, place) => (judge(message) ? [place] : []));

/** Whether the side from which it was stolen had sent or read the message. */
const isPast = ({ at, side }: Stolen, { from, sentAt, readAt }: Recorded): boolean =>
  sentAt <= at && (from === side || (readAt !== null && readAt <= at));

const OPENINGS = places(({ isOpening }) => isOpening);
/** Bob's first chain: what he sent before he read anything that Alice wrote in answer to it. */
const isAnswer = ({ from, chain }: Recorded): boolean => from === 1 && chain === 0;
/** When Bob read the first message of Alice that answered. */
const ANSWERED = Math.min(
  ...scene.messages.flatMap(({ from, chain, readAt }) =>
    from === 0 && chain === 1 && readAt !== null ? [readAt] : [],
  ),
);

test('the conversation has openings before and after the answer, and epochs enough', () => {
  assert.deepEqual(OPENINGS, [0, 1, 3]);
  assert.deepEqual(places(isAnswer), [2, 4]);
  assert.equal(ANSWERED, 7);
  assert.ok((scene.messages.at(-1)?.epoch ?? 0) >= 3);
});

test('all of the responder: the openings, and of what is past besides only an answer that was not answered', () => {
  for (const stolen of thefts(1)) {
    const opened = attack(scene, { disks: [stolen] });
    for (const [place, message] of scene.messages.entries()) {
      const where = `message ${place}, stolen at ${stolen.at}`;
      if (message.isOpening) assert.ok(opened.has(place), where);
      else if (isPast(stolen, message)) {
        assert.equal(opened.has(place), isAnswer(message) && stolen.at < ANSWERED, where);
      }
    }
  }
});

test('prekeys alone, stolen before anything was read: the openings, sent before or after, and no more', () => {
  const disk = { ...last(1), session: null, rows: [] };
  assert.deepEqual(sorted(attack(scene, { disks: [disk] })), OPENINGS);
});

test('with discrete logarithms: nothing that is past from the first post-quantum epoch on', () => {
  for (const stolen of thefts(1)) {
    const opened = attack(scene, { disks: [stolen], logarithms: true });
    for (const [place, message] of scene.messages.entries()) {
      if (!isPast(stolen, message)) continue;
      assert.equal(opened.has(place), message.epoch === 0, `message ${place}, stolen at ${stolen.at}`);
    }
  }
});

test('all of the initiator, answer seed included, opens nothing that is past, not even with discrete logarithms', () => {
  let future = 0;
  for (const logarithms of [false, true]) {
    for (const stolen of thefts(0)) {
      const opened = attack(scene, { disks: [stolen], logarithms });
      for (const [place, message] of scene.messages.entries()) {
        if (isPast(stolen, message))
          assert.ok(!opened.has(place), `message ${place}, stolen at ${stolen.at}`);
        else if (opened.has(place)) future++;
      }
    }
  }
  assert.ok(future > 20, 'what is to come is opened, so the thief is one');
});

test('both disks at the end: the openings; with discrete logarithms up to epoch 1, and nothing of those made later', () => {
  const disks = [last(0), last(1)];
  assert.deepEqual(sorted(attack(scene, { disks })), OPENINGS);
  assert.deepEqual(
    sorted(attack(scene, { disks, logarithms: true })),
    places(({ epoch }) => epoch <= 1),
  );
});

test('prekeys that were erased after 44 days open no opening, though everything newer is stolen', () => {
  const { bob } = scene;
  const [old, { session, rows }] = [bob.newest, last(1)];
  const kept = [...rows];
  bob.prekeys = [generatePrekeys(node, bob.identity, [old], NOW + 37 * DAY), old];
  assert.ok(!erasureDue(old, NOW + 44 * DAY - 1) && erasureDue(old, NOW + 44 * DAY));
  const before = diskOf(bob, session, kept, 1, 98);
  assert.deepEqual(sorted(attack(scene, { disks: [before] })), OPENINGS);
  const unsealed = new Map(
    OPENINGS.map((place) => [
      place,
      unseal(scene.messages[place] as Recorded, [before], scene) as Uint8Array,
    ]),
  );
  bob.prekeys = bob.prekeys.filter((set) => !erasureDue(set, NOW + 44 * DAY));
  old.erase();
  const after = diskOf(bob, session, kept, 1, 99);
  assert.equal(after.prekeys.length, 1);
  for (const logarithms of [false, true]) {
    assert.deepEqual(attack(scene, { disks: [after], logarithms }), new Set());
    assert.deepEqual(
      attack(scene, { disks: [after], logarithms, unsealed }),
      new Set(),
      'nor without envelopes',
    );
  }
});

test('a one-time prekey that was used closes the openings too, but not to who computes discrete logarithms', () => {
  const invited = play(true);
  const openings = invited.messages.flatMap(({ isOpening }, place) => (isOpening ? [place] : []));
  for (const stolen of invited.thefts.filter(({ side }) => side === 1)) {
    assert.equal(stolen.oneTime.length, 0, 'it is erased with the first opening that is read');
    const opened = attack(invited, { disks: [stolen] });
    const past = invited.messages.flatMap((message, place) => (isPast(stolen, message) ? [place] : []));
    assert.deepEqual(
      past.filter((place) => opened.has(place)),
      [],
      `stolen at ${stolen.at}`,
    );
    const early = attack(invited, { disks: [{ ...stolen, oneTime: [invited.invite as OneTimePrekey] }] });
    assert.ok(
      openings.every((place) => early.has(place)),
      'with it they are open',
    );
    const solved = attack(invited, { disks: [stolen], logarithms: true });
    assert.ok(openings.every((place) => solved.has(place)));
  }
});
