// SPDX-License-Identifier: Apache-2.0
#include "api/stats_json.h"

#include <initializer_list>

#include "api/json_text.h"

namespace cordwood::api {
namespace {

/// Writes `{"key":value,…}`; values are figures or objects written by a function.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string* out) : out_(out) { out_->push_back('{'); }
  ~ObjectWriter() { out_->push_back('}'); }
  ObjectWriter& number(std::string_view key, uint64_t value) {
    name(key);
    append_unsigned(value, out_);
    return *this;
  }
  ObjectWriter& seconds(std::string_view key, int64_t ns) {
    name(key);
    append_short_float(static_cast<double>(ns) / 1e9, out_);
    return *this;
  }
  ObjectWriter& flag(std::string_view key, bool value) {
    name(key);
    out_->append(value ? "true" : "false");
    return *this;
  }
  ObjectWriter& zeros(std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) number(key, 0);
    return *this;
  }
  template <typename Write>
  ObjectWriter& object(std::string_view key, Write write) {
    name(key);
    ObjectWriter inner(out_);
    write(inner);
    return *this;
  }

 private:
  void name(std::string_view key) {
    if (!first_) out_->push_back(',');
    first_ = false;
    out_->append("\"").append(key).append("\":");
  }
  std::string* out_;
  bool first_ = true;
};

struct StoreFigures {
  uint64_t chunks_matched = 0, chunks_read = 0;
  uint64_t head_lines = 0, head_bytes = 0;
  uint64_t lines = 0, bytes = 0, packed_bytes = 0;
  uint64_t duplicates = 0, post_filter_lines = 0, metadata_bytes = 0;
};

void write_store(ObjectWriter& store, const StoreFigures& f) {
  store.number("totalChunksRef", f.chunks_matched).number("totalChunksDownloaded", f.chunks_read);
  store.zeros({"chunksDownloadTime"});
  store.flag("queryReferencedStructuredMetadata", false).flag("queryUsedV2Engine", false);
  store.object("chunk", [&](ObjectWriter& chunk) {
    chunk.number("headChunkBytes", f.head_bytes).number("headChunkLines", f.head_lines);
    chunk.number("decompressedBytes", f.bytes).number("decompressedLines", f.lines);
    chunk.number("compressedBytes", f.packed_bytes).number("totalDuplicates", f.duplicates);
    chunk.number("postFilterLines", f.post_filter_lines).zeros({"headChunkStructuredMetadataBytes"});
    chunk.number("decompressedStructuredMetadataBytes", f.metadata_bytes);
  });
  store.zeros({"chunkRefsFetchTime", "congestionControlLatency", "pipelineWrapperFilteredLines"});
  store.object("dataobj", [](ObjectWriter& dataobj) {
    dataobj.zeros({"prePredicateDecompressedRows", "prePredicateDecompressedBytes",
                   "prePredicateDecompressedStructuredMetadataBytes", "postPredicateRows",
                   "postPredicateDecompressedBytes", "postPredicateStructuredMetadataBytes", "postFilterRows",
                   "pagesScanned", "pagesDownloaded", "pagesDownloadedBytes", "pageBatches", "totalRowsAvailable",
                   "totalPageDownloadTime", "wireBytesTransferred"});
  });
}

void write_caches(ObjectWriter& cache) {
  for (const auto name : {"chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult",
                          "instantMetricResult", "logResult", "taskResult"}) {
    cache.object(name, [](ObjectWriter& one) {
      one.zeros({"entriesFound", "entriesRequested", "entriesStored", "bytesReceived", "bytesSent", "requests",
                 "downloadTime", "queryLengthServed"});
    });
  }
}

uint64_t per_second(uint64_t amount, int64_t ns) {
  return ns <= 0 ? 0 : static_cast<uint64_t>(static_cast<double>(amount) * 1e9 / static_cast<double>(ns));
}

}  // namespace

void append_stats(const query::QueryStats& s, std::string* out) {
  ObjectWriter root(out);
  root.object("summary", [&](ObjectWriter& summary) {
    summary.number("bytesProcessedPerSecond", per_second(s.bytes_processed, s.execution_ns));
    summary.number("linesProcessedPerSecond", per_second(s.lines_processed, s.execution_ns));
    summary.number("totalBytesProcessed", s.bytes_processed).number("totalLinesProcessed", s.lines_processed);
    summary.seconds("execTime", s.execution_ns).zeros({"queueTime", "subqueries"});
    summary.number("totalEntriesReturned", s.entries_returned).zeros({"splits", "shards"});
    summary.number("totalPostFilterLines", s.post_filter_lines);
    summary.number("totalStructuredMetadataBytesProcessed", s.structured_metadata_bytes);
  });
  const auto below = [](uint64_t all, uint64_t part) { return all > part ? all - part : 0; };
  StoreFigures store;
  store.chunks_matched = s.blocks_in_range;
  store.chunks_read = s.read.blocks_opened;
  store.lines = below(s.lines_processed, s.head_lines);
  store.bytes = below(s.bytes_processed, s.head_bytes);
  store.packed_bytes = s.read.bytes_read;
  store.duplicates = s.duplicates;
  store.post_filter_lines = s.post_filter_lines;
  store.metadata_bytes = s.structured_metadata_bytes;
  root.object("querier", [&](ObjectWriter& querier) {
    querier.object("store", [&](ObjectWriter& o) { write_store(o, store); }).zeros({"querierExecTime"});
  });
  StoreFigures head;
  head.head_lines = s.head_lines;
  head.head_bytes = s.head_bytes;
  root.object("ingester", [&](ObjectWriter& ingester) {
    ingester.number("totalReached", 1).zeros({"totalChunksMatched", "totalBatches"});
    ingester.number("totalLinesSent", s.head_lines);
    ingester.object("store", [&](ObjectWriter& o) { write_store(o, head); });
  });
  root.object("cache", [](ObjectWriter& o) { write_caches(o); });
  root.object("index", [&](ObjectWriter& index) {
    index.number("totalChunks", s.blocks_in_range).number("postFilterChunks", s.blocks_in_range);
    index.zeros({"shardsDuration"}).flag("usedBloomFilters", false).number("totalStreams", s.streams);
    index.zeros({"chunkRefsLookupTime", "bloomFilterTime"});
  });
  root.object("cordwood", [&](ObjectWriter& own) {
    own.number("blocksInRange", s.blocks_in_range)
        .number("blocksRuledOut", s.blocks_ruled_out)
        .number("blocksOpened", s.read.blocks_opened);
    own.number("narrowFrames", s.read.narrow_frames).number("heapFrames", s.read.heap_frames);
    own.number("bytesRead", s.read.bytes_read).number("bytesUnpacked", s.read.bytes_unpacked);
    own.number("linesRendered", s.read.lines_rendered).number("headRows", s.read.head_rows);
    own.number("columnRows", s.column_rows).seconds("cpuTime", s.cpu_ns);
  });
}

}  // namespace cordwood::api
