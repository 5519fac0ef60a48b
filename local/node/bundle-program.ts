import { build } from 'esbuild';

/** One file of plain JavaScript: a Node that needs to strip types first starts in twice the time. */
export const bundleProgram = async (entryPoint: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  return outputFiles.map(({ text }) => text).join('');
};
