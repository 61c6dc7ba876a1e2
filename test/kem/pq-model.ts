/**
 * The PQ epochs as a state space: two sides with the real functions of src/kem/pq-epochs.ts, a KEM of symbols, and
 * around them the ratchet reduced to what the epochs see of it: who takes which step on which key, and the root key as
 * the name of all that went into it. What was sent stays deliverable for ever, so loss, repetition and every order are
 * among the paths. A model of the order of things, not of cryptography; message numbers are left out.
 */

import type { Kem } from '../../src/safety/crypto/provider.ts';
import type * as epochs from '../../src/kem/pq-epochs.ts';
import type { PqAttachment, PqState } from '../../src/kem/pq-epochs.ts';

/** The functions under test, so that a broken one can be put in their place. */
export interface Machine extends Omit<typeof epochs, 'proposes'> {
  /** What the state becomes when a message was sent: for broken machines that count. */
  readonly sent?: (state: PqState) => PqState;
}

export interface Message {
  readonly from: 0 | 1;
  /** Which sending step of its sender, from 1. */
  readonly chain: number;
  /** Names of the header key and the chain key. */
  readonly headerKey: string;
  readonly chainKey: string;
  readonly epoch: number;
  readonly attachment: PqAttachment;
}

export interface Side {
  readonly pq: PqState;
  readonly root: string;
  /** Own sending steps so far. */
  readonly steps: number;
  /** Name of the own ratchet key; null when it was used in a receiving step and the next is not made yet. */
  readonly ownKey: string | null;
  readonly remoteKey: string | null;
  /** Null: the next message takes a sending step. */
  readonly sending: { readonly headerKey: string; readonly chainKey: string; readonly epoch: number } | null;
  readonly nextSendingHeaderKey: string;
  readonly nextReceivingHeaderKey: string;
  /** The newest chains of the peer that this side can read, by their number from 0. */
  readonly receiving: readonly {
    readonly id: number;
    readonly chainKey: string;
    readonly epoch: number;
  }[];
  /** Draws of randomness so far: no two are the same, whatever is restored. */
  readonly draws: number;
  /** It was restored from an older state, and so never sends in this session again. */
  readonly restored: boolean;
}

export interface World {
  readonly sides: readonly [Side, Side];
  /** Everything ever sent, by its encoding. */
  readonly sent: ReadonlyMap<string, Message>;
  /** Secret of each epoch that some side has mixed in. */
  readonly secrets: readonly string[];
  /** An older state of either side that may come back. */
  readonly saved: readonly [Side | null, Side | null];
  readonly crashes: number;
}

/** A property that does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Chains that can be read: the receiving one and four older. */
const READABLE_CHAINS = 5;
const BUNDLE_SEED = Uint8Array.of(0, 0);

const text = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString('hex')
    : value instanceof Map
      ? [...value.keys()]
      : value;
export const nameOf = (value: unknown): string => JSON.stringify(value, text);

/** Secrets, keys and ciphertexts are the names of what they were made from. */
function symbolicKem(coins: () => Uint8Array): Kem {
  const publicKey = (seed: Uint8Array): Uint8Array => Uint8Array.of(0xe0, ...seed.subarray(0, 2));
  return {
    keyPair: (seed) => ({
      publicKey: publicKey(seed),
      decapsulate: (ciphertext) =>
        Buffer.compare(ciphertext.subarray(1, 4), publicKey(seed)) === 0
          ? Uint8Array.of(0x55, ...ciphertext.subarray(1))
          : Uint8Array.of(0xff, ...seed.subarray(0, 2), ...ciphertext.subarray(1)),
    }),
    encapsulate: (key) => {
      const made = Uint8Array.of(...key, ...coins());
      return { ciphertext: Uint8Array.of(0xc0, ...made), sharedSecret: Uint8Array.of(0x55, ...made) };
    },
  };
}

/** The two sides after KX1, before the first message. */
export function start(machine: Machine): World {
  const blank = { steps: 0, sending: null, receiving: [], draws: 0, restored: false, root: 'r' };
  const initiator: Side = {
    ...blank,
    pq: machine.initiatorEpochs(BUNDLE_SEED),
    ownKey: null,
    remoteKey: 'b0',
    nextSendingHeaderKey: 'h0',
    nextReceivingHeaderKey: 'h1',
  };
  const responder: Side = {
    ...blank,
    pq: machine.responderEpochs(),
    ownKey: 'b0',
    remoteKey: null,
    nextSendingHeaderKey: 'h1',
    nextReceivingHeaderKey: 'h0',
  };
  return { sides: [initiator, responder], sent: new Map(), secrets: [], saved: [null, null], crashes: 0 };
}

/** Short names for long histories. */
const interned = new Map<string, string>();
function short(name: string): string {
  const known = interned.get(name);
  if (known !== undefined) return known;
  const made = `#${interned.size}`;
  interned.set(name, made);
  return made;
}

function rootStep(root: string, dh: string, epoch: number, secret: Uint8Array | null) {
  const next = short(`${root}|${dh}|${epoch}|${nameOf(secret)}`);
  return { root: next, chainKey: `${next}c`, nextHeaderKey: `${next}h` };
}

/** The world in which this epoch's secret was mixed in. */
function mixed(world: World, epoch: number, secret: Uint8Array | null): World {
  if (secret === null) return world;
  const secrets = [...world.secrets];
  const before = secrets[epoch];
  if (before !== undefined && before !== nameOf(secret)) {
    throw new Violation(`epoch ${epoch} has two secrets`);
  }
  secrets[epoch] = nameOf(secret);
  return { ...world, secrets };
}

export function withSide(world: World, who: 0 | 1, side: Side): World {
  return { ...world, sides: who === 0 ? [side, world.sides[1]] : [world.sides[0], side] };
}

/** Whether this side may send: a responder cannot before it has received, and a restored side must not. */
export function maySend(side: Side): boolean {
  return !side.restored && (side.sending !== null || side.remoteKey !== null);
}

/** One message of a side: the new world, in which it is on its way, and the message. */
export function send(machine: Machine, world: World, who: 0 | 1): { world: World; message: Message } {
  const old = world.sides[who];
  let { draws } = old;
  const random = (): Uint8Array<ArrayBuffer> => Uint8Array.of(who + 1, ++draws);
  let side = old;
  let after = world;
  if (old.sending === null) {
    const peerChain = old.receiving[0]?.id ?? null;
    const { state, secret } = machine.stepSending(symbolicKem(random), random, old.pq, peerChain);
    const steps = old.steps + 1;
    const ownKey = `${who === 0 ? 'a' : 'b'}${steps}`;
    const step = rootStep(old.root, `${ownKey}*${String(old.remoteKey)}`, state.epoch, secret);
    after = mixed(after, state.epoch, secret);
    side = {
      ...old,
      pq: state,
      steps,
      ownKey,
      root: step.root,
      sending: { headerKey: old.nextSendingHeaderKey, chainKey: step.chainKey, epoch: state.epoch },
      nextSendingHeaderKey: step.nextHeaderKey,
    };
  }
  const { headerKey, chainKey, epoch } = side.sending as NonNullable<Side['sending']>;
  if (side.pq.epoch !== epoch) throw new Violation('the epoch changed within a chain');
  const attachment = machine.attachmentOf(side.pq);
  const message: Message = { from: who, chain: side.steps, headerKey, chainKey, epoch, attachment };
  const pq = machine.sent?.(side.pq) ?? side.pq;
  const sent = new Map(after.sent).set(nameOf(message), message);
  return { world: { ...withSide(after, who, { ...side, pq, draws }), sent }, message };
}

/** A message arrives at the other side. Null: that side refuses it, and nothing changes. */
export function deliver(machine: Machine, world: World, message: Message): World | null {
  const who = message.from === 0 ? 1 : 0;
  const old = world.sides[who];
  let { draws } = old;
  const random = (): Uint8Array<ArrayBuffer> => Uint8Array.of(who + 1, ++draws);
  const kem = symbolicKem(random);
  let side = old;
  let after = world;
  const known = old.receiving.find(({ chainKey }) => chainKey === message.chainKey);
  if (known === undefined) {
    if (message.headerKey !== old.nextReceivingHeaderKey || old.ownKey === null) return null;
    const step = machine.stepReceiving(old.pq, message.epoch);
    if (step === null) throw new Violation('a message of an impossible epoch');
    const remoteKey = `${message.from === 0 ? 'a' : 'b'}${message.chain}`;
    const { root, chainKey, nextHeaderKey } = rootStep(
      old.root,
      `${remoteKey}*${old.ownKey}`,
      step.state.epoch,
      step.secret,
    );
    if (chainKey !== message.chainKey) {
      if (world.sides.some(({ restored }) => restored)) return null;
      throw new Violation('the sides derive different keys');
    }
    after = mixed(after, step.state.epoch, step.secret);
    const id = (old.receiving[0]?.id ?? -1) + 1;
    side = {
      ...old,
      pq: step.state,
      root,
      remoteKey,
      ownKey: null,
      sending: null,
      nextReceivingHeaderKey: nextHeaderKey,
      receiving: [{ id, chainKey, epoch: message.epoch }, ...old.receiving].slice(0, READABLE_CHAINS),
    };
  } else if (known.epoch !== message.epoch) {
    throw new Violation('one chain, two epochs');
  }
  const isFirst = old.receiving.length === 0 && who === 1;
  const pq = isFirst
    ? machine.answerKey(kem, side.pq, kem.keyPair(BUNDLE_SEED).publicKey)
    : machine.receiveAttachment(kem, side.pq, message.attachment);
  return withSide(after, who, { ...side, pq, draws });
}
