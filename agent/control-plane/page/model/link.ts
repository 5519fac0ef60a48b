/** Ids are hostnames that an agent chose: encoded they hold neither blanks nor anything that means something in a page. */
export const elementIdOf = (id: string): string => `node-${encodeURIComponent(id)}`;

/** The node that a fragment such as `#node-ip-10-0-0-5` names. */
export const nodeOfHash = (hash: string): string | undefined => {
  if (!hash.startsWith('#node-')) return undefined;
  try {
    return decodeURIComponent(hash.slice('#node-'.length));
  } catch {
    return undefined;
  }
};
