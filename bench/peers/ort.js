/*
 * ort.js - how fast ONNX Runtime is; run by bench/peers.py.
 *
 *   NODE_PATH=FOLDER/node_modules node ort.js MODEL.onnx image|text SIDE THREADS
 *
 * Reads commands, a line each, and answers each with a line of JSON. "run BATCH SECONDS":
 * forward passes for so long, at least one; wall and processor seconds and inputs. "texts
 * FILE BATCH SECONDS": the same with the ids of a file, int32, 77 of each text, batch after
 * batch from the first on. "vector FILE": the rows of a file of float32 (or of int32 ids)
 * embedded, as unit vectors.
 */
'use strict';
const fs = require('fs');
const readline = require('readline');
const ort = require('onnxruntime-node');

const [model, kind, sideText, threads] = process.argv.slice(2);
const side = Number(sideText);
const CONTEXT = 77;

function sample(batch) {
  if (kind === 'text') {
    const ids = new BigInt64Array(batch * CONTEXT);
    for (let i = 0; i < ids.length; i++) ids[i] = BigInt((i * 37) % 49000);
    for (let i = 0; i < batch; i++) ids[i * CONTEXT + CONTEXT - 1] = 49407n;
    return new ort.Tensor('int64', ids, [batch, CONTEXT]);
  }
  const pixels = new Float32Array(batch * 3 * side * side);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 7919 % 2000) / 500 - 2;
  return new ort.Tensor('float32', pixels, [batch, 3, side, side]);
}

async function run(session, inputs, seconds) {
  const batch = inputs[0].dims[0];
  await session.run({input: inputs[0]});
  const cpu = process.cpuUsage(), start = process.hrtime.bigint();
  let runs = 0, wall = 0;
  do {
    await session.run({input: inputs[runs++ % inputs.length]});
    wall = Number(process.hrtime.bigint() - start) * 1e-9;
  } while (wall < seconds);
  const used = process.cpuUsage(cpu);
  return {inputs: runs * batch, wall, cpu: (used.user + used.system) * 1e-6};
}

// Whole batches; what is left behind the last one is not run.
function batchesOf(file, batch) {
  const bytes = fs.readFileSync(file);
  const ids = new Int32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const out = [], each = batch * CONTEXT;
  for (let i = 0; i + each <= ids.length; i += each) {
    const some = BigInt64Array.from(ids.slice(i, i + each), BigInt);
    out.push(new ort.Tensor('int64', some, [batch, CONTEXT]));
  }
  return out;
}

function unit(row) {
  const length = Math.hypot(...row);
  return Array.from(row, (f) => f / length);
}

async function vectors(session, file) {
  const bytes = fs.readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const out = [];
  const each = kind === 'text' ? CONTEXT : 3 * side * side;
  const all = kind === 'text' ? BigInt64Array.from(new Int32Array(buffer), BigInt)
                              : new Float32Array(buffer);
  for (let i = 0; i + each <= all.length; i += each) {
    const shape = kind === 'text' ? [1, CONTEXT] : [1, 3, side, side];
    const type = kind === 'text' ? 'int64' : 'float32';
    const input = new ort.Tensor(type, all.slice(i, i + each), shape);
    out.push(unit((await session.run({input})).vector.data));
  }
  return {vectors: out};
}

async function main() {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all',
    intraOpNumThreads: Number(threads), interOpNumThreads: 1,
  });
  console.log(JSON.stringify({ready: true}));
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [what, a, b, c] = line.split(' ');
    const answer = what === 'run' ? await run(session, [sample(Number(a))], Number(b))
        : what === 'texts' ? await run(session, batchesOf(a, Number(b)), Number(c))
                           : await vectors(session, a);
    console.log(JSON.stringify(answer));
  }
}

main();
