/** What parent and child say to each other over node's own channel between processes. */

/** A conversation as one side has it. */
export interface Report {
  readonly waiting: number;
  readonly links: number;
  /** Told as new more than once in this life. */
  readonly toldTwice: number;
  /** Oldest first. */
  readonly messages: readonly {
    readonly id: string;
    readonly mine: boolean;
    readonly kind: string;
    readonly text: string;
    readonly state: string;
  }[];
}

/** `call`: parent to child; `ask`: child to parent; each is answered by an `answer` of the same kind and number. */
export type Said =
  | { readonly type: 'ready' }
  | { readonly type: 'call' | 'ask'; readonly id: number; readonly method: string; readonly args: unknown[] }
  | {
      readonly type: 'answer';
      readonly to: 'call' | 'ask';
      readonly id: number;
      readonly value: unknown;
      readonly error?: string;
    };

const asked = new Map<number, PromiseWithResolvers<unknown>>();
let nextId = 1;

/** In a child: something only the parent can do. */
export function askParent(method: string, args: unknown[]): Promise<unknown> {
  const id = nextId++;
  const answer = Promise.withResolvers<unknown>();
  asked.set(id, answer);
  process.send?.({ type: 'ask', id, method, args } satisfies Said);
  return answer.promise;
}

/** In a child: what the parent may call. */
export function answerCalls(methods: Readonly<Record<string, (...args: unknown[]) => unknown>>): void {
  const call = async (id: number, method: string, args: unknown[]): Promise<void> => {
    try {
      const value = await methods[method]?.(...args);
      process.send?.({ type: 'answer', to: 'call', id, value } satisfies Said);
    } catch (error) {
      process.send?.({ type: 'answer', to: 'call', id, value: null, error: String(error) } satisfies Said);
    }
  };
  process.on('message', (said: Said) => {
    if (said.type === 'call') void call(said.id, said.method, said.args);
  });
}

process.on('message', (said: Said) => {
  if (said.type !== 'answer' || said.to !== 'ask') return;
  const answer = asked.get(said.id);
  asked.delete(said.id);
  if (said.error === undefined) answer?.resolve(said.value);
  else answer?.reject(new Error(said.error));
});
