/**
 * Two people write to each other through somebody who only carries bytes: first contact, the ratchet, and what an app
 * has to keep. Here "keep" is memory; in an app each step marked COMMIT is one transaction of its database.
 *
 *   node examples/sessions.ts
 *
 * In an app of your own the imports read `kith/kem` and `kith/provider/node`.
 */

import {
  type ContactSession,
  type ContactSessions,
  eraseReplacedSessions,
  encryptUnder,
  generateIdentity,
  generatePrekeys,
  Identity,
  initiate,
  isProven,
  NO_SESSIONS,
  openEnvelope,
  type Prekeys,
  type Primitives,
  readOpening,
  receiveMessage,
  receiveOpening,
  repliesOwed,
  type Received,
  sealEnvelope,
  type Sent,
  sessionsGone,
  SkippedKeyMap,
  type VerifiedBundle,
  verifyBundle,
  withOpened,
} from '../src/kem/index.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { systemRandom } from '../src/safety/random.ts';

const p: Primitives = { provider: nodeProvider, random: systemRandom };

/** What is carried: the form says what the bytes are, an envelope or a message. Sizes do not tell. */
export type Carried = Pick<Sent, 'form' | 'bytes'>;

/** One person and one contact. An app has these fields in its database, and one `sessions` for each contact. */
export class Person {
  readonly identity = new Identity(p.provider, generateIdentity(p));
  readonly prekeys: Prekeys = generatePrekeys(p, this.identity, [], Date.now());
  sessions: ContactSessions = NO_SESSIONS;
  #contact: VerifiedBundle | null = null;
  readonly #skipped = new Map<string, SkippedKeyMap>();
  readonly #replays = new Set<string>();

  /** What others need to write first: published anywhere, because both signatures are checked. */
  get bundle(): Uint8Array {
    return this.prekeys.secrets.bundle;
  }

  /** Whether the contact has shown that it holds the keys its bundle names. */
  get contactIsProven(): boolean {
    return this.sessions.live !== null && isProven(this.sessions.live.session);
  }

  /** Gets to know somebody. People compare the fingerprint over another way. */
  meet(bundle: Uint8Array): void {
    this.#contact = verifyBundle(p.provider, bundle, Date.now());
    const { identity, prekeys } = this;
    const opened = initiate(p, { identity, prekeys, peer: this.#contact, now: Date.now() });
    this.#commit(withOpened(this.sessions, opened, Date.now()));
  }

  write(text: string): Carried {
    const { live } = this.sessions;
    if (live === null) throw new Error('meet somebody first');
    return this.#encrypt(live, text);
  }

  /** What the contact waits for, besides what is written: without it a session is not proven and does not heal. */
  replies(): Carried[] {
    return repliesOwed(this.sessions, Date.now()).map((session) => this.#encrypt(session, ''));
  }

  #encrypt(session: ContactSession, text: string): Carried {
    const content = new TextEncoder().encode(text);
    const what = { content, messageBytes: 4_064, prekeys: [this.prekeys], now: Date.now() };
    const { contact, form, bytes } = encryptUnder(p, this.sessions, session, what);
    this.#commit(contact); // with the bytes: what is sent again is the same bytes
    if (form === 'message') return { form, bytes };
    const { inbox, fingerprint } = this.#contact as VerifiedBundle;
    return { form, bytes: sealEnvelope(p.provider, { inboxKey: inbox, fingerprint }, bytes) };
  }

  /** The text of what was carried. Throws on what is forged, damaged, repeated or for somebody else. */
  read({ form, bytes }: Carried): string {
    const received = form === 'opening' ? this.#readEnvelope(bytes) : this.#readMessage(bytes);
    this.#commit(received.contact); // with everything below
    this.#skippedOf(received.transcript).apply(received.skipped);
    if (received.accepted !== null) {
      this.#contact = received.accepted.peer;
      this.#replays.add(received.accepted.replayId.join());
    }
    return new TextDecoder().decode(received.content);
  }

  /** COMMIT; and what was replaced is erased when that is through. */
  #commit(after: ContactSessions): void {
    const before = this.sessions;
    this.sessions = after;
    for (const { transcript } of sessionsGone(before, after)) this.#skipped.delete(transcript.join());
    eraseReplacedSessions(before, after);
  }

  #readEnvelope(bytes: Uint8Array): Received {
    const { identity, prekeys } = this;
    const plaintext = openEnvelope(p.provider, [prekeys.inbox], identity.fingerprint, bytes);
    // an app has many contacts, and takes the sessions of the one that opening.fingerprint names
    const opening = readOpening(p.provider, plaintext);
    const own = {
      identity,
      prekeys: [prekeys],
      oneTimePrekey: () => null,
      isReplayed: (id: Uint8Array) => this.#replays.has(id.join()),
    };
    return receiveOpening(p, own, this.sessions, opening, this.#skippedOf, Date.now());
  }

  #readMessage(bytes: Uint8Array): Received {
    return receiveMessage(p, this.sessions, bytes, this.#skippedOf, Date.now());
  }

  readonly #skippedOf = (transcript: Uint8Array): SkippedKeyMap => {
    const name = transcript.join();
    const skipped = this.#skipped.get(name) ?? new SkippedKeyMap();
    this.#skipped.set(name, skipped);
    return skipped;
  };
}

if (import.meta.main) {
  const [alice, bob] = [new Person(), new Person()];
  alice.meet(bob.bundle);
  const say = (from: Person, to: Person, text: string): void => {
    const carried = from.write(text);
    process.stdout.write(`${carried.bytes.length} bytes: ${to.read(carried)}\n`);
  };
  say(alice, bob, 'hello');
  say(bob, alice, 'who is there?');
  say(alice, bob, 'Alice, and from here on it is proven');
  process.stdout.write(`proven: ${alice.contactIsProven} and ${bob.contactIsProven}\n`);
}
