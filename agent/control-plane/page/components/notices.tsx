import type { Link, Picture } from '../store.ts';

const LINKS: Readonly<Record<Link, string>> = { connecting: 'Connecting', live: 'Live', lost: 'Reconnecting' };

/** Whether what is shown is how it is. */
export const LinkState = ({ link, since }: { readonly link: Link; readonly since: number }) => (
  <p class={`link ${link}`}>
    <span class="pulse" aria-hidden="true" />
    {LINKS[link]}
    {link === 'lost' && (
      <span class="sub">
        as of <time>{new Date(since).toLocaleTimeString('en-GB')}</time>
      </span>
    )}
  </p>
);

/** All fell silent at once: that is the way to them, not they. */
export const PathNotice = ({ fleet }: Pick<Picture, 'fleet'>) =>
  fleet.path === 'ok' ? null : (
    <p class="notice" role="status">
      Every node fell silent at once: it is the way to them that seems broken. See to the mesh door and the lighthouse.
    </p>
  );

/** Nobody is there yet: how that changes. */
export const EmptyFleet = () => (
  <div class="empty">
    <h3>No node is registered</h3>
    <p>
      A worker appears here as soon as its agent reaches this control plane over the mesh, usually a minute after its
      launch. Add one with
    </p>
    <pre>
      <code>carrierarr provision</code>
    </pre>
    <p>
      and follow it with <code>carrierarr status --watch</code>. Where a worker is READY and not here, look at{' '}
      <code>journalctl -u worker-agent</code> on it.
    </p>
  </div>
);

export const Waiting = () => <p class="empty quiet">Waiting for the control plane …</p>;
