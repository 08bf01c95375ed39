// SPDX-License-Identifier: Apache-2.0
// Tails as a browser does and pushes meanwhile: node tail.mjs http://127.0.0.1:3100
// Prints one line a check: its name and `ok`, or what failed.
import WebSocket from 'ws';

const base = process.argv[2];
const tailUrl = (query) => base.replace('http', 'ws') + '/loki/api/v1/tail?query=' + encodeURIComponent(query);

async function push(app, lines) {
  const values = lines.map((line) => [String(Date.now()) + '000000', line]);
  const reply = await fetch(base + '/loki/api/v1/push', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ streams: [{ stream: { app }, values }] }),
  });
  if (reply.status !== 204) throw new Error(await reply.text());
}

/// Opens a tail; resolves with the lines it had when `count` of them came and a ping after them.
function tail(query, count, onOpen) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(tailUrl(query));
    const lines = [];
    let pinged = false;
    const done = () => {
      if (lines.length < count || !pinged) return;
      socket.close(1000);
    };
    socket.on('open', () => onOpen().catch(reject));
    socket.on('message', (data) => {
      for (const stream of JSON.parse(data).streams) lines.push(...stream.values.map((value) => value[1]));
      done();
    });
    socket.on('ping', () => { pinged = true; done(); });
    socket.on('close', (code, reason) => resolve({ lines, code, reason: String(reason) }));
    socket.on('error', reject);
  });
}

function report(name, got, want) {
  console.log(name, got === want ? 'ok' : `failed: ${got}, want ${want}`);
}

await push('ws', ['stored']);
const followed = await tail('{app="ws"} |= "o"', 3, () => push('ws', ['one', 'three', 'four']));
report('lines', followed.lines.join(), 'stored,one,four');
report('close', followed.code, 1000);
const refused = await tail('rate({app="ws"}[1m])', 0, async () => {});
report('refusal', `${refused.code} ${refused.reason}`, '1011 only log selector is supported');
