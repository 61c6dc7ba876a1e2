/**
 * kith's side of the end-to-end bench, from bytes to bytes as an application calls it: the session is decoded before
 * each step, encoded after it, and the replaced state erased.
 */

import { BUNDLE_BYTES, verifyBundle } from '../../src/kem/bundle.ts';
import { generateIdentity, Identity } from '../../src/kem/identity.ts';
import { readOpening } from '../../src/kem/kx1.ts';
import { encryptOpening, initiate } from '../../src/kem/kx1-initiator.ts';
import { accept, decryptOpening, type ResponderKeys } from '../../src/kem/kx1-responder.ts';
import {
  generateOneTimePrekey,
  type OneTimePrekey,
  type OneTimePrekeyPublic,
  publicOneTimePrekey,
} from '../../src/kem/one-time-prekey.ts';
import { generatePrekeys, type Prekeys } from '../../src/kem/prekeys.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { openEnvelope, sealEnvelope } from '../../src/kem/sealed-envelope.ts';
import { eraseReplaced } from '../../src/kem/session.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import {
  type Contender,
  contentOf,
  cpuUs,
  INITIATORS,
  type Opening,
  pairings,
  requireContent,
  RESPONDERS,
} from './contender.ts';
import { StoredSession } from './kith-session.ts';

const P: Primitives = { provider: nodeProvider, random: systemRandom };

export interface KithContender extends Contender {
  /** As `open`, with the sealed envelope around it and the check of the initiator's bundle. */
  openSealed(): Promise<Opening>;
}

export function kithContender(): KithContender {
  const parties = (length: number) => Array.from({ length }, () => new Party());
  const pairs = pairings(parties(INITIATORS), parties(RESPONDERS));
  const [alice, bob] = connect();
  return {
    open: () => open(pairs, PLAIN),
    openSealed: () => open(pairs, SEALED),
    async pingPong(count) {
      let last: Uint8Array | undefined;
      const us = await cpuUs(count, (index) => {
        bob.receive(alice.send(contentOf(index)));
        last = alice.receive(bob.send(contentOf(index)));
      });
      requireContent(count - 1, last);
      return us / 2;
    },
    async oneWay(count) {
      alice.receive(bob.send(contentOf(0)));
      bob.receive(alice.send(contentOf(0)));
      const messages: Uint8Array[] = [];
      const encrypt = await cpuUs(count, (index) => messages.push(alice.send(contentOf(index))));
      let last: Uint8Array | undefined;
      const decrypt = await cpuUs(count, (index) => {
        last = bob.receive(messages[index] as Uint8Array);
      });
      requireContent(count - 1, last);
      return { encrypt, decrypt };
    },
    async sizes(count) {
      let [session, message] = [0, 0];
      for (let i = 0; i < count; i++) {
        const outbound = alice.send(contentOf(i));
        bob.receive(outbound);
        const inbound = bob.send(contentOf(i));
        alice.receive(inbound);
        session += alice.size + bob.size;
        message += outbound.length + inbound.length;
      }
      return { session: session / count / 2, message: message / count / 2 };
    },
  };
}

/** The two ways to do a first contact. */
interface Way {
  initiate(initiator: Party, invite: Invite, content: Uint8Array): Initiated;
  accept(responder: Party, bytes: Uint8Array): Accepted;
}

const PLAIN: Way = {
  initiate: (initiator, invite, content) => initiator.initiate(invite, content),
  accept: (responder, bytes) => responder.acceptFirst(bytes),
};

const SEALED: Way = {
  initiate: (initiator, invite, content) => initiator.initiateSealed(invite, content),
  accept: (responder, bytes) => responder.acceptSealed(bytes),
};

async function open(pairs: readonly (readonly [Party, Party])[], way: Way): Promise<Opening> {
  const invites = pairs.map(([, responder]) => responder.invite());
  const openings: Uint8Array[] = [];
  const initiate = await cpuUs(pairs.length, (i) => {
    const [initiator] = pairs[i] as readonly [Party, Party];
    openings.push(way.initiate(initiator, invites[i] as Invite, contentOf(i)).bytes);
  });
  let last: Uint8Array | undefined;
  const accept = await cpuUs(pairs.length, (i) => {
    const [, responder] = pairs[i] as readonly [Party, Party];
    last = way.accept(responder, openings[i] as Uint8Array).content;
  });
  requireContent(pairs.length - 1, last);
  return { initiate, accept };
}

/** Two who have answered each other. */
function connect(): readonly [StoredSession, StoredSession] {
  const [alice, bob] = [new Party(), new Party()];
  const initiated = alice.initiateSealed(bob.invite(), contentOf(0));
  const accepted = bob.acceptSealed(initiated.bytes);
  requireContent(0, accepted.content);
  requireContent(0, initiated.session.receive(accepted.session.send(contentOf(0))));
  return [initiated.session, accepted.session];
}

/** What a stranger gets out of band. */
interface Invite {
  readonly bundle: Uint8Array;
  readonly oneTimePrekey: OneTimePrekeyPublic;
}

interface Initiated {
  readonly session: StoredSession;
  /** What goes out. */
  readonly bytes: Uint8Array;
}

interface Accepted {
  readonly session: StoredSession;
  readonly content: Uint8Array;
}

/** One identity on one device. */
class Party {
  readonly #identity = new Identity(P.provider, generateIdentity(P));
  readonly #prekeys: Prekeys = generatePrekeys(P, this.#identity, [], Date.now());
  readonly #oneTimePrekeys = new Map<number, OneTimePrekey>();
  readonly #replayed = new Set<string>();
  readonly #own: ResponderKeys = {
    identity: this.#identity,
    prekeys: [this.#prekeys],
    oneTimePrekey: (id) => this.#oneTimePrekeys.get(id) ?? null,
    isReplayed: (id) => this.#replayed.has(Buffer.from(id).toString('hex')),
  };

  /** With a new one-time prekey. */
  invite(): Invite {
    const oneTimePrekey = generateOneTimePrekey(P, [...this.#oneTimePrekeys.keys()]);
    this.#oneTimePrekeys.set(oneTimePrekey.id, oneTimePrekey);
    return {
      bundle: this.#prekeys.secrets.bundle,
      oneTimePrekey: publicOneTimePrekey(P.provider, oneTimePrekey),
    };
  }

  initiate(invite: Invite, content: Uint8Array): Initiated {
    return this.#initiate(invite, content, (plaintext) => plaintext);
  }

  initiateSealed(invite: Invite, content: Uint8Array): Initiated {
    return this.#initiate(invite, content, (plaintext, { inbox: inboxKey, fingerprint }) =>
      sealEnvelope(P.provider, { inboxKey, fingerprint }, plaintext),
    );
  }

  #initiate(
    { bundle, oneTimePrekey }: Invite,
    content: Uint8Array,
    wrap: (plaintext: Uint8Array, peer: ReturnType<typeof verifyBundle>) => Uint8Array,
  ): Initiated {
    const now = Date.now();
    const peer = verifyBundle(P.provider, bundle, now);
    const { session: before } = initiate(P, {
      identity: this.#identity,
      prekeys: this.#prekeys,
      peer,
      oneTimePrekey,
      now,
    });
    const { session, plaintext } = encryptOpening(P, before, [this.#prekeys], content, now);
    const bytes = wrap(plaintext, peer);
    eraseReplaced(before, session);
    return { session: new StoredSession(P, session), bytes };
  }

  /** Key agreement and the first decryption alone; nobody may do so in earnest. */
  acceptFirst(bytes: Uint8Array): Accepted {
    const opening = readOpening(P.provider, bytes);
    const { session, body } = decryptOpening(P, this.#own, opening, Date.now());
    this.#use(opening.header.oneTimePrekeyId, opening.replayId);
    return { session: new StoredSession(P, session), content: body.subarray(BUNDLE_BYTES) };
  }

  acceptSealed(bytes: Uint8Array): Accepted {
    const { fingerprint } = this.#identity;
    const plaintext = openEnvelope(P.provider, [this.#prekeys.inbox], fingerprint, bytes);
    const opening = readOpening(P.provider, plaintext);
    const { session, content, oneTimePrekeyId, replayId } = accept(P, this.#own, opening, Date.now());
    this.#use(oneTimePrekeyId, replayId);
    return { session: new StoredSession(P, session), content };
  }

  #use(oneTimePrekeyId: number, replayId: Uint8Array): void {
    this.#oneTimePrekeys.delete(oneTimePrekeyId);
    this.#replayed.add(Buffer.from(replayId).toString('hex'));
  }
}
