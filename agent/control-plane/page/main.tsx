import { render } from 'preact';
import { App } from './components/app.tsx';
import { createStore } from './store.ts';

const root = document.getElementById('app');
if (root !== null) render(<App store={createStore()} />, root);
