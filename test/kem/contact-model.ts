/** Two contacts in an abstract network: the rules of contact-sessions.ts on sessions without cryptography. */

import {
  type ContactSession,
  type ContactSessions,
  findSession,
  NO_SESSIONS,
  repliesOwed,
} from '../../src/kem/contact.ts';
import { withAccepted, withOpened, withReceived, withSent } from '../../src/kem/contact-sessions.ts';
import {
  attachmentOf,
  initiatorEpochs,
  type PqAttachment,
  type PqState,
  receiveAttachment,
  responderEpochs,
  answerKey,
  stepReceiving,
  stepSending,
} from '../../src/kem/pq-epochs.ts';
import type { Session } from '../../src/kem/session.ts';
import type { Kem } from '../../src/safety/crypto/provider.ts';

const EMPTY = new Uint8Array(0);
const fakeKem: Kem = {
  keyPair: () => ({ publicKey: EMPTY, decapsulate: () => EMPTY }),
  encapsulate: () => ({ ciphertext: EMPTY, sharedSecret: EMPTY }),
};

/** What the rules look at, and the chains that a ratchet would have. */
interface ModelSession {
  readonly role: 'initiator' | 'responder';
  readonly transcript: Uint8Array;
  readonly opening: { readonly expiry: number } | null;
  readonly pq: PqState;
  readonly sentChain: number;
  readonly stepDue: boolean;
  /** The peer's newest chain. */
  readonly receiving: { readonly id: number } | null;
}

export interface ModelMessage {
  readonly to: number;
  readonly transcript: Uint8Array;
  readonly opens: boolean;
  /** Of the prekeys that it was opened to, and of the bundle inside. */
  readonly generations: readonly [to: number, from: number];
  readonly chain: number;
  readonly epoch: number;
  readonly attachment: PqAttachment;
  readonly content: number | null;
  readonly isForged: boolean;
  /** Of the opening. */
  readonly expiry: number;
}

const PEER = { fingerprint: EMPTY };
const asSession = (session: ModelSession): Session => session as unknown as Session;
const asModel = ({ session }: ContactSession): ModelSession => session as unknown as ModelSession;

export class ModelNode {
  readonly index: number;
  contact: ContactSessions = NO_SESSIONS;
  /** Counts the losses of all state. */
  generation = 0;
  peerGeneration = 0;
  readonly received: number[] = [];
  /** Messages that no session could read. */
  refused = 0;
  readonly #replays = new Set<number>();
  readonly #generations = new Map<number, readonly [number, number]>();

  constructor(index: number) {
    this.index = index;
  }

  open(id: number, peer: ModelNode, now: number, lifeSeconds: number): void {
    this.peerGeneration = peer.generation;
    this.#generations.set(id, [this.peerGeneration, this.generation]);
    const expiry = now / 1000 + lifeSeconds;
    const session = asSession({
      role: 'initiator',
      transcript: Uint8Array.of(id),
      opening: { expiry },
      pq: initiatorEpochs(EMPTY),
      sentChain: -1,
      stepDue: true,
      receiving: null,
    });
    this.contact = withOpened(this.contact, { session, peer: PEER, expiry }, now);
  }

  /** Restored without its sessions: the prekeys are retired. */
  lose(): void {
    this.contact = NO_SESSIONS;
    this.generation++;
    this.#replays.clear();
  }

  /** Content under the live session, if there is one. */
  send(content: number): ModelMessage[] {
    return this.contact.live === null ? [] : [this.#encrypt(this.contact.live, content)];
  }

  replies(now: number): ModelMessage[] {
    return repliesOwed(this.contact, now).map((entry) => this.#encrypt(entry, null));
  }

  #encrypt(entry: ContactSession, content: number | null): ModelMessage {
    let session = asModel(entry);
    if (session.stepDue) {
      const peerChain = session.receiving?.id ?? null;
      const { state } = stepSending(fakeKem, () => new Uint8Array(64), session.pq, peerChain);
      session = { ...session, pq: state, sentChain: session.sentChain + 1, stepDue: false };
    }
    this.contact = withSent(this.contact, asSession(session));
    const id = session.transcript[0] as number;
    return {
      to: 1 - this.index,
      transcript: session.transcript,
      opens: session.opening !== null,
      generations: this.#generations.get(id) ?? [0, 0],
      chain: session.sentChain,
      epoch: session.pq.epoch,
      attachment: attachmentOf(session.pq),
      content,
      isForged: false,
      expiry: entry.expiry,
    };
  }

  /** A message to this node of a session that a thief of its prekeys opened: of any chain, and of epoch 0 for ever. */
  forgery(id: number, chain: number): ModelMessage {
    return {
      to: this.index,
      transcript: Uint8Array.of(id),
      opens: chain === 0,
      generations: [this.generation, this.peerGeneration],
      chain,
      epoch: 0,
      attachment: { type: 'none' },
      content: null,
      isForged: true,
      expiry: Infinity,
    };
  }

  receive(message: ModelMessage, now: number): void {
    let entry = findSession(this.contact, message.transcript);
    if (entry === null) {
      entry = this.#accept(message, now);
      if (entry === null) {
        this.refused++;
        return;
      }
    } else {
      const next = decryptModel(asModel(entry), message);
      this.contact = withReceived(this.contact, asSession(next), message.content === null, now);
    }
    if (message.content !== null) this.received.push(message.content);
  }

  #accept(message: ModelMessage, now: number): ContactSession | null {
    const id = message.transcript[0] as number;
    if (!message.opens || message.generations[0] !== this.generation || this.#replays.has(id)) return null;
    this.#replays.add(id);
    const fresh: ModelSession = {
      role: 'responder',
      transcript: message.transcript,
      opening: null,
      pq: answerKey(fakeKem, responderEpochs(), EMPTY),
      sentChain: -1,
      stepDue: true,
      receiving: { id: message.chain },
    };
    const { transcript: openingId, expiry } = message;
    const accepted = { session: asSession(fresh), openingId, expiry };
    this.contact = withAccepted(this.contact, { ...accepted, peer: PEER }, this.index === 0, now);
    return findSession(this.contact, message.transcript);
  }
}

function decryptModel(before: ModelSession, message: ModelMessage): ModelSession {
  let session: ModelSession = { ...before, opening: null };
  const chain = before.receiving?.id ?? -1;
  if (message.chain > chain) {
    if (message.chain > chain + 1) throw new Error(`chain ${message.chain} after ${chain} cannot be`);
    const step = stepReceiving(before.pq, message.epoch);
    if (step === null) throw new Error(`epoch ${message.epoch} cannot be`);
    session = {
      ...session,
      pq: step.state,
      receiving: { id: message.chain },
      stepDue: true,
    };
  }
  return { ...session, pq: receiveAttachment(fakeKem, session.pq, message.attachment) };
}
