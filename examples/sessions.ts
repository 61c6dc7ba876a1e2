/**
 * Two people write to each other through somebody who only carries bytes: first contact, the ratchet, and what an app
 * has to keep. Here "keep" is memory; in an app each step marked COMMIT is one transaction of its database.
 *
 *   node examples/sessions.ts
 *
 * In an app of your own the imports read `kith/kem` and `kith/provider/node`.
 */

import {
  type ContactSessions,
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
  type Received,
  sealEnvelope,
  SkippedKeyMap,
  type VerifiedBundle,
  verifyBundle,
  withOpened,
} from '../src/kem/index.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { systemRandom } from '../src/safety/random.ts';

const p: Primitives = { provider: nodeProvider, random: systemRandom };

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
    this.sessions = withOpened(this.sessions, opened.session, opened.pairKey, Date.now()); // COMMIT
  }

  /** The bytes to carry. */
  write(text: string): Uint8Array {
    const { live } = this.sessions;
    if (live === null || this.#contact === null) throw new Error('meet somebody first');
    const content = new TextEncoder().encode(text);
    const sent = encryptUnder(p, this.sessions, live, content, 4_064, this.bundle);
    this.sessions = sent.contact; // COMMIT, with the bytes: what is sent again is the same bytes
    if (sent.form === 'message') return sent.bytes;
    const { inbox, fingerprint } = this.#contact;
    return sealEnvelope(p.provider, { inboxKey: inbox, fingerprint }, sent.bytes);
  }

  /** The text of carried bytes. Throws on what is forged, damaged, repeated or for somebody else. */
  read(bytes: Uint8Array): string {
    const received = bytes.length === 16_256 ? this.#readEnvelope(bytes) : this.#readMessage(bytes);
    this.sessions = received.contact; // COMMIT, with everything below
    this.#skippedOf(received.transcript).apply(received.skipped);
    if (received.accepted !== null) {
      this.#contact = received.accepted.peer;
      this.#replays.add(received.accepted.replayId.join());
    }
    return new TextDecoder().decode(received.content);
  }

  #readEnvelope(bytes: Uint8Array): Received {
    const { identity, prekeys } = this;
    const plaintext = openEnvelope(p.provider, [prekeys.inbox], identity.fingerprint, bytes);
    const opening = readOpening(p.provider, plaintext); // an app looks the contact up by opening.fingerprint
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
    const bytes = from.write(text);
    process.stdout.write(`${bytes.length} bytes: ${to.read(bytes)}\n`);
  };
  say(alice, bob, 'hello');
  say(bob, alice, 'who is there?');
  say(alice, bob, 'Alice, and from here on it is proven');
  process.stdout.write(`proven: ${alice.contactIsProven} and ${bob.contactIsProven}\n`);
}
