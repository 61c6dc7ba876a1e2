/** Simultaneous KX1 with real keys: all orders, loss of openings and restarts from disk end on one session, and no content is lost. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededNumbers } from '../../fuzz/mutate.ts';
import {
  encryptUnder,
  type Received,
  receiveMessage,
  receiveOpening,
  type Sent,
} from '../../src/kem/contact-messages.ts';
import {
  allSessions,
  type ContactSession,
  type ContactSessions,
  findSession,
  NO_SESSIONS,
  repliesOwed,
} from '../../src/kem/contact.ts';
import { decodeContact, encodeContact } from '../../src/kem/contact-codec.ts';
import { withOpened } from '../../src/kem/contact-sessions.ts';
import { readOpening } from '../../src/kem/kx1.ts';
import { initiate } from '../../src/kem/kx1-initiator.ts';
import { isProven } from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { NOW, node, Party } from './parties.ts';

const SCHEDULES = process.env['KITH_LONG'] === undefined ? 25 : 1_000;
const NOTHING = new Uint8Array(0);

/** A party with one contact, which keeps all on a disk. */
class Side {
  readonly party = new Party();
  contact: ContactSessions = NO_SESSIONS;
  readonly contents: string[] = [];
  readonly #skipped = new Map<string, SkippedKeyMap>();

  open(peer: Side): void {
    const { identity, newest } = this.party;
    const opened = initiate(node, { identity, prekeys: newest, peer: peer.party.verified(), now: NOW });
    this.contact = withOpened(this.contact, opened, NOW);
  }

  send(text: string): Sent[] {
    return this.contact.live === null ? [] : [this.#encrypt(this.contact.live, utf8(text))];
  }

  replies(): Sent[] {
    return repliesOwed(this.contact, NOW).map((entry) => this.#encrypt(entry, NOTHING));
  }

  receive({ form, bytes }: Sent): void {
    const received = form === 'opening' ? this.#receiveOpening(bytes) : this.#receiveMessage(bytes);
    this.contact = received.contact;
    this.#skippedOf(received.transcript).apply(received.skipped);
    if (received.accepted !== null) this.party.replays.add(toHex(received.accepted.replayId));
    if (received.content.length > 0) this.contents.push(Buffer.from(received.content).toString());
  }

  /** Only what the codecs keep survives. */
  restart(): void {
    if (this.contact.peer === null) return;
    const { contact } = this;
    this.contact = decodeContact(encodeContact(contact), (transcript) => {
      const entry = findSession(contact, transcript);
      return entry === null ? null : decodeSession(encodeSession(entry.session));
    });
  }

  #encrypt(entry: ContactSession, content: Uint8Array): Sent {
    const sent = encryptUnder(node, this.contact, entry, {
      content,
      messageBytes: 4_064,
      prekeys: this.party.prekeys,
      now: NOW,
    });
    this.contact = sent.contact;
    return sent;
  }

  #receiveOpening(bytes: Uint8Array): Received {
    const opening = readOpening(nodeProvider, bytes);
    return receiveOpening(node, this.party.keys, this.contact, opening, (id) => this.#skippedOf(id), NOW);
  }

  #receiveMessage(bytes: Uint8Array): Received {
    return receiveMessage(node, this.contact, bytes, (id) => this.#skippedOf(id), NOW);
  }

  #skippedOf(transcript: Uint8Array): SkippedKeyMap {
    const name = toHex(transcript);
    const map = this.#skipped.get(name) ?? new SkippedKeyMap();
    this.#skipped.set(name, map);
    return map;
  }
}

type Pair = readonly [Side, Side];
interface Flying {
  readonly to: 0 | 1;
  readonly sent: Sent;
}

/** Everything arrives in random order, and what is owed is sent, until nothing happens any more. */
function settle(sides: Pair, flight: Flying[], pick: (bound: number) => number): void {
  for (let steps = 0; steps < 300; steps++) {
    if (flight.length === 0) {
      for (const from of [0, 1] as const) fly(flight, from, sides[from].replies());
      if (flight.length === 0) return;
    }
    const [next] = flight.splice(pick(flight.length), 1) as [Flying];
    sides[next.to].receive(next.sent);
  }
  assert.fail('no end of replies');
}

function fly(flight: Flying[], from: 0 | 1, all: readonly Sent[]): void {
  for (const sent of all) flight.push({ to: from === 0 ? 1 : 0, sent });
}

function assertOneSession([a, b]: Pair): void {
  const [one, other] = [a.contact.live, b.contact.live] as [ContactSession, ContactSession];
  assert.deepEqual(one.session.transcript, other.session.transcript);
  assert.ok(isProven(one.session) && isProven(other.session));
}

function lowerFirst(sides: Pair): Pair {
  const [a, b] = sides;
  return toHex(a.party.identity.fingerprint) < toHex(b.party.identity.fingerprint) ? sides : [b, a];
}

describe('simultaneous KX1', () => {
  test('both openings cross: the session of the lower fingerprint is used', () => {
    const sides = lowerFirst([new Side(), new Side()]);
    const [low, high] = sides;
    low.open(high);
    high.open(low);
    const own = low.contact.live?.session.transcript;
    const flight: Flying[] = [];
    fly(flight, 0, low.send('from low'));
    fly(flight, 1, high.send('from high'));
    settle(sides, flight, () => 0);
    assertOneSession(sides);
    assert.deepEqual(high.contact.live?.session.transcript, own);
    assert.deepEqual([low.contents, high.contents], [['from high'], ['from low']]);
    assert.equal(allSessions(low.contact).length, 2, 'the other one is read for a while');
  });

  test("with one side's openings lost, the other's is used, whichever it is", () => {
    for (const lost of [0, 1] as const) {
      const sides = lowerFirst([new Side(), new Side()]);
      sides[0].open(sides[1]);
      sides[1].open(sides[0]);
      const kept = sides[(1 - lost) as 0 | 1].contact.live?.session.transcript;
      const flight: Flying[] = [];
      sides[lost].send('lost');
      fly(flight, (1 - lost) as 0 | 1, sides[(1 - lost) as 0 | 1].send('kept'));
      // one at a time: the lost side has nothing more to open with
      const [first] = flight.splice(0, 1) as [Flying];
      sides[first.to].receive(first.sent);
      fly(flight, lost, sides[lost].replies());
      settle(sides, flight, () => 0);
      assertOneSession(sides);
      assert.deepEqual(sides[0].contact.live?.session.transcript, kept);
      assert.deepEqual(sides[lost].contents, ['kept']);
    }
  });

  test('in random orders, with loss of openings and restarts from disk', () => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const next = seededNumbers(seed);
      const pick = (bound: number): number => next() % bound;
      const sides: Pair = [new Side(), new Side()];
      const flight: Flying[] = [];
      const sentBy: [string[], string[]] = [[], []];
      const unopened = new Set([0, 1]);
      for (let step = 0; step < 24; step++) {
        const from = pick(2) as 0 | 1;
        const what = pick(8);
        if (what === 0 && unopened.delete(from)) sides[from].open(sides[(1 - from) as 0 | 1]);
        else if (what === 1) sides[from].restart();
        else if (what === 2) fly(flight, from, sides[from].replies());
        else if (what === 3) {
          const text = `${from}/${step}`;
          const sent = sides[from].send(text);
          // an opening without content of its own may be lost
          if (sent.length > 0 && pick(3) > 0) {
            fly(flight, from, sent);
            sentBy[from].push(text);
          }
        } else if (flight.length > 0) {
          const [flying] = flight.splice(pick(flight.length), 1) as [Flying];
          sides[flying.to].receive(flying.sent);
        }
      }
      if (unopened.size === 2) sides[0].open(sides[1]);
      for (let round = 0; round < 3; round++) {
        for (const from of [0, 1] as const) {
          const sent = sides[from].send(`${from}/end${round}`);
          if (sent.length > 0) sentBy[from].push(`${from}/end${round}`);
          fly(flight, from, sent);
        }
        settle(sides, flight, pick);
      }
      assertOneSession(sides);
      for (const from of [0, 1] as const) {
        assert.deepEqual(
          sides[(1 - from) as 0 | 1].contents.toSorted(),
          sentBy[from].toSorted(),
          `seed ${seed}`,
        );
      }
    }
  });
});
