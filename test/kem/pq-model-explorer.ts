/**
 * Looks at every world that the model of the PQ epochs can reach within its bounds, and at the properties in each:
 * epochs at most one apart, one secret an epoch and the same on both sides, every message of an unrestored peer
 * readable, and epochs that advance again as soon as the network delivers (nothing that was sent before is needed).
 */

import {
  deliver,
  type Machine,
  maySend,
  nameOf,
  send,
  start,
  Violation,
  withSide,
  type World,
} from './pq-model.ts';

export interface Bounds {
  /** Worlds in which both sides are here are not looked beyond. */
  readonly epochs: number;
  /** Messages made and lost with the process, before or after their state was kept. */
  readonly crashes: number;
  /** Whether a side may come back from an older state: once, and it then never sends. */
  readonly restores: boolean;
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** Highest epoch that both sides reached. */
  readonly epoch: number;
}

/** A violation, and the path to it. */
export class Counterexample extends Error {
  override readonly name = 'Counterexample';
  readonly path: readonly string[];
  constructor(what: string, path: readonly string[]) {
    super(`${what}, after: ${path.join(', ')}`);
    this.path = path;
  }
}

/** Rounds of ping-pong within which an epoch passes: up to three of waiting, four messages, and some to begin. */
const ROUNDS = 5;
const BOTH = [0, 1] as const;
const SIDE_NAMES = ['initiator', 'responder'] as const;

const epochOf = (world: World): number => Math.min(...world.sides.map(({ pq }) => pq.epoch));
const isWhole = (world: World): boolean => world.sides.every(({ restored }) => !restored);

/** All of the bounds' worlds, breadth first, so that a counterexample is a shortest one. Throws Counterexample. */
export function explore(machine: Machine, bounds: Bounds): Explored {
  const first = start(machine);
  const parents = new Map<string, readonly [parent: string, action: string] | null>([[nameOf(first), null]]);
  const queue: [string, World][] = [[nameOf(first), first]];
  let [transitions, epoch] = [0, 0];
  for (const [name, world] of queue) {
    try {
      check(machine, world);
    } catch (error) {
      throw asCounterexample(error, parents, name, []);
    }
    if (isWhole(world)) epoch = Math.max(epoch, epochOf(world));
    if (epochOf(world) >= bounds.epochs) continue;
    for (const [action, take] of actions(machine, world, bounds)) {
      let next: World | null;
      try {
        next = take();
      } catch (error) {
        throw asCounterexample(error, parents, name, [action]);
      }
      transitions++;
      if (next === null) continue;
      const nextName = nameOf(next);
      if (parents.has(nextName)) continue;
      parents.set(nextName, [name, action]);
      queue.push([nextName, next]);
    }
  }
  return { states: queue.length, transitions, epoch };
}

function asCounterexample(
  error: unknown,
  parents: ReadonlyMap<string, readonly [string, string] | null>,
  name: string,
  last: readonly string[],
): unknown {
  if (!(error instanceof Violation)) return error;
  const path = [...last];
  for (let at = parents.get(name); at !== null && at !== undefined; at = parents.get(at[0]))
    path.unshift(at[1]);
  return new Counterexample(error.message, path);
}

function check(machine: Machine, world: World): void {
  if (!isWhole(world)) return; // to be replaced by a new session
  const [a, b] = world.sides.map(({ pq }) => pq.epoch) as [number, number];
  if (Math.abs(a - b) > 1) throw new Violation('the epochs are more than one apart');
  let later = world;
  for (let round = 0; round < ROUNDS; round++) {
    for (const who of BOTH) {
      if (!maySend(later.sides[who])) continue;
      const { world: sent, message } = send(machine, later, who);
      const delivered = deliver(machine, sent, message);
      if (delivered === null) throw new Violation('a new message is not read');
      later = delivered;
    }
    if (epochOf(later) > epochOf(world)) return;
  }
  throw new Violation('the epochs do not advance any more');
}

function* actions(machine: Machine, world: World, bounds: Bounds): Generator<[string, () => World | null]> {
  for (const who of BOTH) {
    const side = world.sides[who];
    const name = SIDE_NAMES[who];
    if (maySend(side)) {
      yield [`${name} sends`, () => send(machine, world, who).world];
      if (world.crashes < bounds.crashes) {
        const crashes = world.crashes + 1;
        const made = () => send(machine, world, who).world;
        // the message is lost either way; kept is the state after it, or the one before it and only chance went on
        yield [`${name} dies with a message not sent`, () => ({ ...made(), sent: world.sent, crashes })];
        yield [
          `${name} dies with a state not kept`,
          () => ({ ...withSide(world, who, { ...side, draws: made().sides[who].draws }), crashes }),
        ];
      }
    }
    if (bounds.restores && isWhole(world)) {
      if (world.saved.every((saved) => saved === null)) {
        const saved = who === 0 ? ([side, null] as const) : ([null, side] as const);
        yield [`${name} is backed up`, () => ({ ...world, saved })];
      }
      const old = world.saved[who];
      if (old !== null && old !== side) {
        const restored = { ...old, draws: side.draws, restored: true };
        yield [`${name} is restored`, () => withSide({ ...world, saved: [null, null] }, who, restored)];
      }
    }
  }
  for (const [name, message] of world.sent)
    yield [`arrives: ${name}`, () => deliver(machine, world, message)];
}
