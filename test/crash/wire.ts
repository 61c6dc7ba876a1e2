/**
 * The ways between two people, in memory: a door while a friendship is asked for, and a link as in friends/link: first
 * bundles and counts, then ciphertexts in order. Whatever is on its way when it is cut is lost.
 */

import type { Carried, Route, Verdict } from '../../src/delivery/face.ts';
import { toHex } from '../../src/safety/bytes.ts';
import type { Person } from './person.ts';

type Kind = 'none' | 'door' | 'link';

/** One connection, both directions. */
interface Line {
  readonly kind: Kind;
  cut: boolean;
  readonly detach: (() => void)[];
}

export class Wire {
  readonly #asker: Person;
  readonly #host: Person;
  #line: Line = { kind: 'none', cut: true, detach: [] };
  /** Ciphertexts that arrived. */
  carried = 0;
  #open = 0;

  /** The door is the host's. */
  constructor(host: Person, asker: Person) {
    this.#host = host;
    this.#asker = asker;
  }

  /** Ciphertexts without a verdict. */
  get flying(): number {
    return this.#open;
  }

  /** Connects as the two books want it now; does nothing where that is so already. */
  follow(): void {
    const [a, b] = [this.#host, this.#asker];
    if (a.isDead || b.isDead) return this.cut();
    const kind = this.#wanted();
    if (!this.#line.cut && this.#line.kind === kind) return;
    this.cut();
    this.#line = { kind, cut: kind === 'none', detach: [] };
    if (kind === 'door') this.#attach(this.#line, b, a);
    if (kind !== 'link') return;
    const shared = keysOf(a, b).find((key) => keysOf(b, a).includes(key));
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      x.does(() => {
        if (shared !== undefined) x.book.friends.pairKeyUsed(y.id);
        x.book.delivery.learnBundle(y.id, y.book.delivery.bundle());
        const { seen, tag } = y.book.delivery.counts(x.id);
        x.book.delivery.theySaw(y.id, seen, tag);
      });
    }
    this.#attach(this.#line, a, b);
    this.#attach(this.#line, b, a);
  }

  cut(): void {
    if (this.#line.cut) return;
    this.#line.cut = true;
    for (const detach of this.#line.detach) detach();
  }

  #wanted(): Kind {
    const [a, b] = [this.#host, this.#asker];
    if (a.book.friends.mayLink(b.id) && b.book.friends.mayLink(a.id)) return 'link';
    return b.book.friends.doorOf(a.id) === null ? 'none' : 'door';
  }

  #attach(line: Line, from: Person, to: Person): void {
    let tail = Promise.resolve();
    const { world } = from;
    const sender = from.id;
    const door = line.kind === 'door' ? from.book.friends.doorOf(to.id) : null;
    const via =
      door === null
        ? { contact: sender, via: { kind: 'link' as const } }
        : { contact: null, via: { kind: 'door' as const, invite: door.onionKey } };
    const carry = async (carried: Carried): Promise<Verdict> => {
      await turns(1 + world.below(3));
      if (line.cut || to.isDead) throw new Error('cut');
      this.carried++;
      let verdict: Verdict | undefined;
      to.does(() => {
        verdict = to.book.delivery.receive(carried, via);
      });
      if (verdict === undefined) throw new Error('they are gone');
      return verdict;
    };
    const route: Route = {
      contact: to.id,
      send: async (carried) => {
        this.#open++;
        try {
          // in order, as on a stream
          const carrying = tail.then(() => carry(carried));
          tail = carrying.then(
            () => {},
            () => {},
          );
          const verdict = await carrying;
          await turns(1 + world.below(3));
          if (line.cut || from.isDead) throw new Error('cut');
          return verdict;
        } finally {
          this.#open--;
        }
      },
    };
    from.does(() => line.detach.push(from.book.delivery.attach(route)));
  }
}

function keysOf(person: Person, other: Person): string[] {
  return person.book.delivery.pairKeys(other.id).map((key) => toHex(key));
}

export async function turns(count: number): Promise<void> {
  // each turn after the one before
  // oxlint-disable-next-line no-await-in-loop
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
