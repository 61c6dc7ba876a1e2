/**
 * A muxer whose streams end cleanly only where the peer ended them.
 *
 * The muxers of libp2p (AbstractStreamMuxer of @libp2p/utils 7.4, libp2p 3.3) do not look at why their connection
 * closed, nor at what a GoAway leaves behind: every open stream gets a clean close. A reader then takes whoever cut
 * the connection for a peer that had nothing more to say. With this in front such streams are reset.
 *
 * Not covered: muxers that are made in another way, and those that libp2p negotiates by itself, which it does where
 * an app uses other encrypters, or where one side of noiseHfs offers no muxer. And a loop over a stream that begins
 * after the reset ends at once, as after a reset by the peer: `stream.status` tells.
 */

import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface';
import type { AbstractStreamMuxer } from '@libp2p/utils';

/** The same muxer, with that mended. */
export function resettingMuxer(inner: StreamMuxerFactory): StreamMuxerFactory {
  return {
    protocol: inner.protocol,
    createStreamMuxer(connection: MessageStream): StreamMuxer {
      let broken = false;
      // before the muxer listens, because its own listener is what ends the streams
      connection.addEventListener('close', (event) => {
        broken = event.error !== undefined;
      });
      const muxer = inner.createStreamMuxer(connection);
      if (isAbstractMuxer(muxer)) resetWhatIsOpen(muxer, () => broken);
      return muxer;
    },
  };
}

/** A stream whose peer has ended may still be written to: it is reset only when that was lost in a broken connection. */
function resetWhatIsOpen(muxer: AbstractStreamMuxer, broken: () => boolean): void {
  const onTransportClosed = muxer.onTransportClosed.bind(muxer);
  muxer.onTransportClosed = (error) => {
    // a copy: a stream that is reset leaves the list at once
    for (const stream of muxer.streams.slice()) {
      if (broken() || stream.remoteWriteStatus !== 'closed') stream.onRemoteReset();
    }
    onTransportClosed(error);
  };
}

function isAbstractMuxer(muxer: StreamMuxer): muxer is AbstractStreamMuxer {
  return 'onTransportClosed' in muxer;
}
