import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

const STAT = /^(\d+) \((.*)\) \S (\d+) /s;

const processOf = (pid: string): Process | undefined => {
  try {
    const [, , name = '', parent] = STAT.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { pid: Number(pid), parent: Number(parent), name };
  } catch {
    // It ended between the two looks.
    return undefined;
  }
};

/** Everything that descends from a process of this machine, nearest first; works across namespaces of process ids. */
export const descendantsOf = (ancestor: number): Process[] => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(processOf)
    .filter((process) => process !== undefined);
  const found: Process[] = [];
  let parents = new Set([ancestor]);
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found;
};
