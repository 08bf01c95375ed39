// SPDX-License-Identifier: Apache-2.0
#include "storage/engine_impl.h"

namespace cordwood {

EngineMetrics::EngineMetrics(Metrics& m)
    : rows_appended(m.counter("cordwood_rows_appended_total", "Rows accepted and durable.")),
      bytes_appended(m.counter("cordwood_appended_bytes_total", "Bytes of lines and metadata of accepted pushes.")),
      duplicates(m.counter("cordwood_duplicate_rows_total", "Rows dropped because the head held an equal one.")),
      appends_refused(m.counter("cordwood_appends_refused_total", "Pushes answered unavailable.")),
      blocks_sealed(m.counter("cordwood_blocks_sealed_total", "Blocks built from rows of the head.")),
      seal_failures(m.counter("cordwood_seal_failures_total", "Blocks that could not be sealed and are tried again.")),
      segments_published(m.counter("cordwood_segments_published_total", "Segments named by the catalog.")),
      bytes_published(m.counter("cordwood_published_bytes_total", "Bytes of published segments.")),
      publish_failures(m.counter("cordwood_publish_failures_total", "Publications that failed and are tried again.")),
      segments_corrupt(m.counter("cordwood_segments_corrupt_total", "Segments left out because they cannot be read.")),
      wal_records_replayed(m.counter("cordwood_wal_records_replayed_total", "Records read back at start.")),
      wal_records_damaged(m.counter("cordwood_wal_records_damaged_total", "Records that could not be read back.")),
      wal_objects_damaged(m.counter("cordwood_wal_objects_damaged_total",
                                    "Objects of the write-ahead log in the bucket whose header is damaged.")),
      logs_displaced(m.counter("cordwood_wal_logs_displaced_total",
                               "Logs replayed under another number because another server went on as this node.")),
      rows_left_out(m.counter("cordwood_wal_rows_deleted_total",
                              "Rows of such logs left out because they were deleted meanwhile.")),
      append_seconds(m.histogram("cordwood_append_seconds", "From a push's rows to their being durable and visible.")),
      wal_wait_seconds(m.histogram("cordwood_wal_wait_seconds", "Waiting for the write-ahead log.")),
      seal_seconds(m.histogram("cordwood_seal_seconds", "Building and spilling one block.")),
      publish_seconds(m.histogram("cordwood_publish_seconds", "Publishing one generation.")) {}

void EngineGauges::show(const std::shared_ptr<EngineGauges>& gauges, Metrics& metrics) {
  const auto gauge = [&](const char* name, const char* help, double (*value)(const Engine::Status&)) {
    metrics.gauge(name, help, {}, [gauges, value] { return gauges->read(value); });
  };
  gauge("cordwood_node_taken_over", "1 once another server was found to write as this node.",
        [](const Engine::Status& s) { return s.taken_over ? 1.0 : 0.0; });
  gauge("cordwood_head_rows", "Rows that no published segment holds yet.",
        [](const Engine::Status& s) { return static_cast<double>(s.head_rows); });
  gauge("cordwood_head_bytes", "Memory of rows that are not sealed yet.",
        [](const Engine::Status& s) { return static_cast<double>(s.head_bytes); });
  gauge("cordwood_pending_generations", "Generations closed but not published.",
        [](const Engine::Status& s) { return static_cast<double>(s.pending_generations); });
  gauge("cordwood_local_pending_bytes",
        "Bytes of the local disk that wait to be published: write-ahead log and sealed blocks.",
        [](const Engine::Status& s) { return static_cast<double>(s.pending_bytes); });
  gauge("cordwood_wal_bytes", "Write-ahead log of generations that are not published.",
        [](const Engine::Status& s) { return static_cast<double>(s.wal_bytes); });
  gauge("cordwood_segments", "Published segments that are served.",
        [](const Engine::Status& s) { return static_cast<double>(s.segments); });
  gauge("cordwood_segment_bytes", "Bytes of published segments.",
        [](const Engine::Status& s) { return static_cast<double>(s.segment_bytes); });
  gauge("cordwood_writable", "1 while pushes are taken.",
        [](const Engine::Status& s) { return s.writable ? 1.0 : 0.0; });
}

void EngineGauges::forget() {
  const MutexLock lock(mu_);
  engine_ = nullptr;
}

double EngineGauges::read(double (*value)(const Engine::Status&)) const {
  const MutexLock lock(mu_);
  return engine_ == nullptr ? 0 : value(engine_->status());
}

}  // namespace cordwood
