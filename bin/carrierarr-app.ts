#!/usr/bin/env node
import { App } from 'aws-cdk-lib';
import { bundledCode } from '../lib/bundling.ts';
import { addCarrierarrStacks } from '../lib/carrierarr-stacks.ts';
import { loadConfig, orExplain } from '../lib/config.ts';

const app = new App();
const config = orExplain(() => loadConfig(app.node.tryGetContext('carrierarr')));
addCarrierarrStacks(app, config, await bundledCode());
