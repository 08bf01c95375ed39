// SPDX-License-Identifier: Apache-2.0
#include "query/tail_rows.h"

#include "storage/row_search.h"

#include <algorithm>
#include <limits>

namespace cordwood::query {

namespace {

constexpr uint64_t kRowOverhead = sizeof(TailRows::Row) + sizeof(int64_t);

uint64_t bytes_of(std::string_view line, std::span<const MetadataPair> pairs) {
  uint64_t bytes = kRowOverhead + line.size() + pairs.size() * sizeof(MetadataPair);
  for (const MetadataPair& pair : pairs) bytes += pair.name.size() + pair.value.size();
  return bytes;
}

std::span<const MetadataPair> pairs_in(const RowBatch& batch, const BatchRow& row) {
  return {batch.metadata.data() + row.metadata_begin, row.metadata_count};
}

Error no_shape() {
  return Error::invalid("rows that were not sealed have no shape");
}

}  // namespace

uint64_t TailRows::row_bytes(const RowBatch& batch, const BatchRow& row) {
  return bytes_of(row.line, pairs_in(batch, row));
}

TailRows::TailRows(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows, int64_t seen_ns)
    : seen_ns_(seen_ns), bytes_(0) {
  constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();
  uint64_t text_bytes = 0;
  size_t pairs = 0;
  for (const uint32_t i : rows) {
    const BatchRow& row = batch.rows[i];
    pairs += row.metadata_count;
    text_bytes += row_bytes(batch, row) - kRowOverhead - row.metadata_count * sizeof(MetadataPair);
  }
  bytes_.set_chunk_bytes(text_bytes);  // one piece of memory for all of it
  rows_.reserve(rows.size());
  times_.reserve(rows.size());
  metadata_.reserve(pairs);
  std::vector<uint32_t> numbers(batch.streams.size(), kUnknown);
  for (const uint32_t i : rows) {
    const BatchRow& from = batch.rows[i];
    uint32_t& number = numbers[from.stream];
    if (number == kUnknown) {
      number = static_cast<uint32_t>(streams_.size());
      streams_.push_back(batch.streams[from.stream]);
    }
    rows_.push_back({.time_ns = from.time_ns,
                     .arrival = sequence + i,
                     .line = bytes_.copy(from.line),
                     .stream = number,
                     .metadata_begin = static_cast<uint32_t>(metadata_.size()),
                     .metadata_count = from.metadata_count,
                     .derived_count = from.derived_count});
    times_.push_back(from.time_ns);
    for (const MetadataPair& pair : pairs_in(batch, from)) {
      metadata_.push_back({bytes_.copy(pair.name), bytes_.copy(pair.value)});
    }
  }
}

std::span<const MetadataPair> TailRows::pairs_of(uint32_t row) const {
  return {metadata_.data() + rows_[row].metadata_begin, rows_[row].metadata_count};
}

uint64_t TailRows::row_bytes(uint32_t i) const {
  return bytes_of(rows_[i].line, pairs_of(i));
}

Result<std::string_view> TailRows::line(uint32_t row, std::string*) {
  return rows_[row].line;
}

Result<void> TailRows::metadata(uint32_t row, std::vector<MetadataPair>* out) {
  const auto pairs = pairs_of(row);
  out->insert(out->end(), pairs.begin(), pairs.end());
  return {};
}

Result<std::optional<std::string_view>> TailRows::metadata_value(uint32_t row, std::string_view name) {
  for (const MetadataPair& pair : pairs_of(row)) {
    if (pair.name == name) return std::optional<std::string_view>(pair.value);
  }
  return std::optional<std::string_view>();
}

Result<const Shape*> TailRows::shape(uint32_t) {
  return static_cast<const Shape*>(nullptr);
}

Result<std::string_view> TailRows::cell(uint32_t, const ShapeSlot&, std::string*) {
  return no_shape();
}

Result<std::optional<int64_t>> TailRows::integer_cell(uint32_t, const ShapeSlot&) {
  return no_shape();
}

Result<RowBits> TailRows::rows_with_text(TextNeedle needle, TextPlace place) {
  return search_rendered(*this, needle, place);
}

}  // namespace cordwood::query
