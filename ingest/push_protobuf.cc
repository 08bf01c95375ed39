// SPDX-License-Identifier: Apache-2.0
#include "ingest/push_protobuf.h"

#include "ingest/proto_reader.h"
#include "ingest/unix_time.h"

namespace cordwood::ingest {

namespace {

Error malformed_push(std::string_view what) {
  return Error::invalid(fmt::format("proto: malformed {}", what));
}

Result<int64_t> read_timestamp(std::string_view message) {
  ProtoReader in(message);
  int64_t seconds = 0;
  int64_t nanos = 0;
  while (in.next()) {
    if (in.is(1, ProtoReader::varint_wire)) {
      seconds = static_cast<int64_t>(in.varint());
    } else if (in.is(2, ProtoReader::varint_wire)) {
      nanos = static_cast<int32_t>(in.varint());
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_push("timestamp");
  return unix_time_ns(seconds, nanos);
}

Result<MetadataPair> read_pair(std::string_view message) {
  ProtoReader in(message);
  MetadataPair pair;
  while (in.next()) {
    if (in.is(1, ProtoReader::bytes_wire)) {
      pair.name = in.bytes();
    } else if (in.is(2, ProtoReader::bytes_wire)) {
      pair.value = in.bytes();
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_push("structured metadata");
  return pair;
}

Result<void> read_entry(std::string_view message, std::vector<MetadataPair>* metadata, RowBuilder* rows) {
  ProtoReader in(message);
  int64_t time_ns = 0;
  std::string_view line;
  metadata->clear();
  while (in.next()) {
    if (in.is(1, ProtoReader::bytes_wire)) {
      TRY_ASSIGN(time_ns, read_timestamp(in.bytes()));
    } else if (in.is(2, ProtoReader::bytes_wire)) {
      line = in.bytes();
    } else if (in.is(3, ProtoReader::bytes_wire)) {
      if (metadata->size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
      TRY_ASSIGN(const MetadataPair pair, read_pair(in.bytes()));
      metadata->push_back(pair);
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_push("entry");
  return rows->add(time_ns, line, *metadata);
}

/// The labels may stand behind the entries.
Result<std::string_view> find_labels(std::string_view stream) {
  ProtoReader in(stream);
  std::string_view labels;
  while (in.next()) {
    if (in.is(1, ProtoReader::bytes_wire)) {
      labels = in.bytes();
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_push("stream");
  return labels;
}

Result<void> read_stream(std::string_view message, std::vector<MetadataPair>* metadata, RowBuilder* rows) {
  TRY_ASSIGN(const std::string_view labels, find_labels(message));
  TRY(rows->begin_stream(labels));
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(2, ProtoReader::bytes_wire)) {
      TRY(read_entry(in.bytes(), metadata, rows));
    } else {
      in.skip();
    }
  }
  return {};
}

}  // namespace

Result<void> decode_push_protobuf(std::string_view body, RowBuilder* rows) {
  ProtoReader in(body);
  std::vector<MetadataPair> metadata;
  while (in.next()) {
    if (in.is(1, ProtoReader::bytes_wire)) {
      TRY(read_stream(in.bytes(), &metadata, rows));
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_push("push request");
  return {};
}

}  // namespace cordwood::ingest
