#!/usr/bin/env node
import { App } from 'aws-cdk-lib';
import { bundledCode } from '../lib/bundling.ts';
import { addCarrierarrStacks } from '../lib/carrierarr-stacks.ts';
import { loadConfig } from '../lib/config.ts';

const app = new App();
addCarrierarrStacks(app, loadConfig(app.node.tryGetContext('carrierarr')), await bundledCode());
