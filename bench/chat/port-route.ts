/** A route between two parties in two threads: ciphertexts and verdicts over a message port. */

import type { MessagePort, Worker } from 'node:worker_threads';
import type { Carried, ContactId, Verdict } from '../../src/delivery/face.ts';
import type { Party } from './party.ts';

type Posted =
  | { readonly kind: 'carried'; readonly ref: number; readonly carried: Carried }
  | { readonly kind: 'verdict'; readonly ref: number; readonly verdict: Verdict };

/** Both sides call it with their end. Returns how to end it: then nothing goes out or is taken. */
export function carryOver(port: MessagePort | Worker, party: Party, contact: ContactId): () => void {
  const { delivery } = party.book;
  const waiting = new Map<number, (verdict: Verdict) => void>();
  let next = 0;
  const post = (posted: Posted): void => port.postMessage(posted, []);
  const detach = delivery.attach({
    contact,
    send: (carried) =>
      new Promise((resolve) => {
        const ref = next++;
        waiting.set(ref, resolve);
        post({ kind: 'carried', ref, carried });
      }),
  });
  const take = (posted: Posted | null): void => {
    if (posted === null) return;
    if (posted.kind === 'carried') {
      const verdict = delivery.receive(posted.carried, { contact, via: { kind: 'link' } });
      post({ kind: 'verdict', ref: posted.ref, verdict });
      return;
    }
    waiting.get(posted.ref)?.(posted.verdict);
    waiting.delete(posted.ref);
  };
  port.on('message', take);
  return () => {
    detach();
    port.off('message', take);
  };
}
