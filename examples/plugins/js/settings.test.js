import assert from 'node:assert/strict';
import test from 'node:test';
import { read } from './settings.js';

test('a greeting becomes the bytes of a field', () => {
  const { greeting } = read('{ "name": "hello-js", "greeting": "café" }');
  assert.deepEqual([...greeting], [...Buffer.from('café')]);
});

test('settings without a greeting are refused, with the key', () => {
  assert.throws(() => read('{ "greeting": 1 }'), (reason) => reason.startsWith('greeting: '));
});
