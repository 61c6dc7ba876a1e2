/**
 * A link that was logged in with a provisional key becomes narrow for the side that comes to the pair key first. It has
 * to bring the key to the other side without any content, or nothing would ever go on.
 */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Carried, NotNow, type Route, type Verdict } from '../../src/delivery/face.ts';
import { equal } from '../../src/safety/bytes.ts';
import { FastClock, Person, watchedProvider } from './person.ts';
import { until, Wire } from './wire.ts';

let people: Person[] = [];

afterEach(() => {
  for (const person of people) person.end();
  people = [];
});

function pair(): [Person, Person] {
  const init = { clock: new FastClock(), provider: watchedProvider() };
  people = [new Person(init), new Person(init)];
  return people as [Person, Person];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One end of a link under a provisional key, which shows pair keys as src/friends/link/link-proof.ts does. */
class ProvisionalEnd implements Route {
  readonly #from: Person;
  readonly #to: Person;
  #other!: ProvisionalEnd;
  #isFirm = false;
  #shown: Uint8Array | undefined;
  /** Contents that went over it while it was narrow. */
  leaked = 0;
  /** Whether verdicts come no sooner than the answers. */
  isSlow = false;

  private constructor(from: Person, to: Person) {
    this.#from = from;
    this.#to = to;
  }

  static link(a: Person, b: Person): [ProvisionalEnd, ProvisionalEnd] {
    const ends: [ProvisionalEnd, ProvisionalEnd] = [new ProvisionalEnd(a, b), new ProvisionalEnd(b, a)];
    ends[0].#other = ends[1];
    ends[1].#other = ends[0];
    for (const end of ends) end.#from.delivery.attach(end);
    for (const end of ends) end.#look();
    return ends;
  }

  get contact(): Uint8Array {
    return this.#to.id;
  }

  get isNarrow(): boolean {
    return !this.#isFirm && this.#keys().length > 0;
  }

  async send(carried: Carried): Promise<Verdict> {
    this.#look();
    const { isNarrow } = this;
    const before = this.#to.applied(this.#from.id).length;
    await turn();
    const from = { contact: this.#from.id, via: { kind: 'link' }, isFirm: this.#other.#isFirm } as const;
    const verdict = this.#to.delivery.receive(carried, from);
    if (isNarrow) this.leaked += this.#to.applied(this.#from.id).length - before;
    this.#other.#look();
    for (let i = 0; i < (this.isSlow ? 20 : 1); i++) await turn();
    return verdict;
  }

  #keys(): Uint8Array[] {
    return this.#from.delivery.pairKeys(this.contact);
  }

  #look(): void {
    this.#shown = this.#keys()[0];
    for (const end of [this, this.#other]) end.#check();
  }

  #check(): void {
    const theirs = this.#other.#shown;
    if (this.#isFirm || theirs === undefined || !this.#keys().some((key) => equal(key, theirs))) return;
    this.#isFirm = true;
    this.#from.delivery.routeChanged(this.contact);
  }
}

for (const isSlow of [false, true]) {
  const when = isSlow ? 'before' : 'after';
  test(`a content that brings the pair key makes no link stand still, if the answer comes ${when} the verdict`, async () => {
    for (const pads of [[0, 0], [12_000], [0, 12_000, 0]]) {
      const [a, b] = pair();
      a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
      a.write(b.id, 'may I?');
      const via = { kind: 'door', invite: new Uint8Array(32) } as const;
      const send = async (carried: Carried): Promise<Verdict> =>
        b.delivery.receive(carried, { contact: null, via });
      const leave = a.delivery.attach({ contact: b.id, send });
      await until(() => a.delivery.waiting(b.id) === 0);
      leave();
      pads.forEach((pad, i) => a.write(b.id, `${i}`, pad));
      const ends = ProvisionalEnd.link(a, b);
      for (const end of ends) end.isSlow = isSlow;
      await until(() => a.delivery.waiting(b.id) === 0, 5_000, `the end of ${pads.join(', ')}`);
      assert.deepEqual(b.applied(a.id), a.written(b.id));
      await until(() => ends.every(({ isNarrow }) => !isNarrow));
      assert.deepEqual(
        ends.map(({ leaked }) => leaked),
        [0, 0],
      );
      assert.equal(b.delivery.trust(a.id), a.delivery.trust(b.id));
    }
  });
}

test('who was put back to before the pair key comes to a new one, also where the other has nothing to say', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  const restore = b.backup();
  a.write(b.id, 'first');
  b.write(a.id, 'first');
  const wire = new Wire(a, b);
  wire.connect();
  const hasKey = (): boolean => a.delivery.pairKeys(b.id).length > 0;
  await until(() => hasKey() && a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0, 5_000, 'a key');
  wire.disconnect();
  restore();
  // as the book does with what others could have written, while it is no text
  a.onApply = ({ proven }) => {
    if (!proven) throw new NotNow('not proven');
  };
  a.delivery.learnBundle(b.id, b.delivery.bundle());
  b.delivery.learnBundle(a.id, a.delivery.bundle());
  b.write(a.id, 'here again');
  const ends = ProvisionalEnd.link(a, b);
  await until(() => b.delivery.waiting(a.id) === 0, 5_000, 'the end');
  assert.equal(a.applied(b.id).at(-1), 'here again');
  await until(() => ends.every(({ isNarrow }) => !isNarrow), 5_000, 'being proven');
});
