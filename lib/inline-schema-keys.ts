import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';

/**
 * Lets esbuild drop the parts of an AWS SDK client that a function does not use. A client keeps the shapes of all its
 * operations in one module as arrays like `[1, { [_xN]: _a }]`; a computed key may have side effects, so esbuild keeps
 * every array that holds one, and client-ec2 alone stays above half a megabyte. The keys are constants of the same
 * module: written as what they are, they mean the same and unused shapes go.
 */
export const inlineSchemaKeys: Plugin = {
  name: 'inline-schema-keys',
  setup(build) {
    build.onLoad(
      { filter: /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ },
      ({ path }) => ({
        contents: inlineKeys(readFileSync(path, 'utf8')),
        loader: 'js',
      }),
    );
  },
};

export const inlineKeys = (source: string): string => {
  const constants = new Map(
    [...source.matchAll(/^const (_\w+) = ("(?:[^"\\]|\\.)*");$/gm)].map(([, name, literal]) => [name, literal]),
  );
  return source.replace(/\[(_\w+)\]:/g, (key, name: string) => {
    const literal = constants.get(name);
    // `"__proto__":` would set the prototype where `[x]:` makes a property.
    return literal === undefined || literal === '"__proto__"' ? key : `${literal}:`;
  });
};
