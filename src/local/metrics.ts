/**
 * What a node counts for whoever runs it, in the Prometheus text format 0.0.4. Numbers of this node alone: no label
 * holds a name, an onion or a friend, so the page says how much, never with whom. (How much and when is itself
 * something to keep from others: see metrics-server.ts for who can read it.)
 *
 * Bytes per delivered message, the cost of being unseen, is kith_bytes_total (both directions) by kith_delivered_total:
 * both are about links to friends, neither about doors.
 */

import type { KithEvent } from '../node/face.ts';

/** What stands at the moment somebody asks: of `node.status().people`. */
export interface Standing {
  /** Open links to friends. */
  readonly links: number;
  /** Contents that wait for somebody. */
  readonly waiting: number;
  /** On links, since the start. */
  readonly bytes: { readonly sent: number; readonly received: number };
}

/** Upper bounds, seconds: through Tor a dial takes 1 to 120 s. */
const DIAL_SECONDS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120];

/** Upper bounds, seconds: at once over an open link, days where the other side is away. */
const DELIVERED_SECONDS = [0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600, 21_600, 86_400, 604_800];

/** The media type of {@link Metrics.text}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export class Metrics {
  readonly #dials = { reached: 0, failed: 0 };
  readonly #dialSeconds = new Histogram(DIAL_SECONDS);
  readonly #deliveredSeconds = new Histogram(DELIVERED_SECONDS);
  #bootstrapSeconds: number | undefined;

  /** Takes every event of the node and counts those that are numbers. */
  event(event: KithEvent): void {
    if (event.kind === 'reachable') this.#bootstrapSeconds = event.tookMs / 1000; // the last start counts
    if (event.kind === 'delivered') this.#deliveredSeconds.observe(event.tookMs / 1000);
    if (event.kind !== 'dialed') return;
    this.#dials[event.result]++;
    this.#dialSeconds.observe(event.tookMs / 1000);
  }

  /** The page. */
  text({ links, waiting, bytes }: Standing): string {
    const bootstrap = this.#bootstrapSeconds;
    return [
      ...(bootstrap === undefined
        ? []
        : single('bootstrap_seconds', 'gauge', 'From start to reachable.', [['', bootstrap]])),
      ...this.#dialSeconds.lines('dial_seconds', 'How long dials of friends took, reached or not.'),
      ...single('dials_total', 'counter', 'Dials of friends.', labelled('result', this.#dials)),
      ...this.#deliveredSeconds.lines(
        'time_to_delivered_seconds',
        "From a message saved here to the friend's disk, waiting for the friend included.",
      ),
      ...single('delivered_total', 'counter', "Messages that reached a friend's disk.", [
        ['', this.#deliveredSeconds.count],
      ]),
      ...single('outbox_items', 'gauge', 'Contents that wait for somebody.', [['', waiting]]),
      ...single('links', 'gauge', 'Open links to friends.', [['', links]]),
      ...single(
        'bytes_total',
        'counter',
        'Bytes on links to friends.',
        labelled('direction', { in: bytes.received, out: bytes.sent }),
      ),
      '',
    ].join('\n');
  }
}

/** How often a value was at most each bound, and their sum. */
class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  count = 0;

  /** `bounds` rise. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** A clock that was set back counts as no time. */
  observe(seconds: number): void {
    const value = Math.max(0, seconds);
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
    this.count++;
  }

  lines(name: string, help: string): string[] {
    let atMost = 0;
    const buckets = this.#bounds.map((bound, at) => {
      atMost += this.#counts[at] ?? 0;
      return `kith_${name}_bucket{le="${bound}"} ${atMost}`;
    });
    return [
      ...head(name, 'histogram', help),
      ...buckets,
      `kith_${name}_bucket{le="+Inf"} ${this.count}`,
      `kith_${name}_sum ${this.#sum}`,
      `kith_${name}_count ${this.count}`,
    ];
  }
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP kith_${name} ${help}`, `# TYPE kith_${name} ${type}`];
}

/** A metric of one value for each set of labels. */
function single(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  values: readonly (readonly [string, number])[],
): string[] {
  return [...head(name, type, help), ...values.map(([labels, value]) => `kith_${name}${labels} ${value}`)];
}

function labelled(label: string, values: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(values).map(([name, value]) => [`{${label}="${name}"}`, value]);
}
