// SPDX-License-Identifier: Apache-2.0
// Pushes a record through each of OpenTelemetry's exporters: node push_otlp.mjs http://127.0.0.1:3100
// Prints one line an exporter: its name and `ok`, or what failed.
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';

const base = process.argv[2];
const cases = [
  ['json', JsonExporter, '/v1/logs', 'none'],
  ['json-gzip', JsonExporter, '/v1/logs', 'gzip'],
  ['protobuf', ProtobufExporter, '/v1/logs', 'none'],
  ['protobuf-gzip', ProtobufExporter, '/v1/logs', 'gzip'],
  ['loki-json', JsonExporter, '/otlp/v1/logs', 'none'],
  ['loki-protobuf', ProtobufExporter, '/otlp/v1/logs', 'none'],
];

/// A finished record as the SDK makes it.
async function record(name) {
  const memory = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'npm-' + name }),
    processors: [new SimpleLogRecordProcessor({ exporter: memory })],
  });
  provider.getLogger('scope').emit({
    severityNumber: 9, severityText: 'INFO', body: 'hello from ' + name, attributes: { a: 1, b: { c: 'd' } },
  });
  await provider.forceFlush();
  return memory.getFinishedLogRecords();
}

for (const [name, Exporter, path, compression] of cases) {
  const exporter = new Exporter({ url: base + path, compression, timeoutMillis: 10000 });
  const records = await record(name);
  const result = await new Promise((resolve) => exporter.export(records, resolve));
  console.log(name, result.code === 0 && records.length === 1 ? 'ok' : `failed: ${result.error} of ${records.length}`);
  await exporter.shutdown();
}
