// SPDX-License-Identifier: Apache-2.0
// Whether Grafana's own grammar takes what format_query prints: node format.mjs http://127.0.0.1:3100 queries.json
// Prints a line for each text it refuses, and how many it took.
import { readFileSync } from 'node:fs';
import { parser } from '@grafana/lezer-logql';

const [base, file] = process.argv.slice(2);

/// Where the grammar had to mend the text.
function faults(text) {
  const places = [];
  parser.parse(text).iterate({ enter: (node) => { if (node.type.isError) places.push(node.from); } });
  return places;
}

async function format(query) {
  const reply = await fetch(base + '/loki/api/v1/format_query', { method: 'POST', body: new URLSearchParams({ query }) });
  const answer = await reply.json();
  if (reply.status !== 200) throw new Error(`${query}: ${answer.error}`);
  return answer.data;
}

let taken = 0;
for (const query of JSON.parse(readFileSync(file, 'utf8'))) {
  const printed = await format(query);
  const places = faults(printed);
  if (places.length === 0) ++taken;
  else console.log(JSON.stringify({ query, printed, places, original: faults(query) }));
}
console.log(taken, 'taken');
