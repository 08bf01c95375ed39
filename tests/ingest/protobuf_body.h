// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <snappy.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/base/coding.h"

namespace cordwood::ingest {

/// Writes messages field by field.
struct ProtoText {
  ProtoText& bytes(uint32_t field, std::string_view value) {
    ByteWriter w(&out);
    w.varint(field << 3 | 2);
    w.string(value);
    return *this;
  }
  ProtoText& varint(uint32_t field, uint64_t value) {
    ByteWriter w(&out);
    w.varint(field << 3);
    w.varint(value);
    return *this;
  }
  ProtoText& fixed64(uint32_t field, uint64_t value) {
    ByteWriter w(&out);
    w.varint(field << 3 | 1);
    w.u64(value);
    return *this;
  }
  std::string out;
};

struct TestEntry {
  int64_t time_ns = 0;
  std::string line;
  std::vector<std::pair<std::string, std::string>> metadata;
};

inline std::string protobuf_stream(std::string_view labels, const std::vector<TestEntry>& entries) {
  ProtoText stream;
  stream.bytes(1, labels);
  for (const TestEntry& entry : entries) {
    ProtoText time;
    time.varint(1, static_cast<uint64_t>(entry.time_ns / 1'000'000'000));
    time.varint(2, static_cast<uint64_t>(entry.time_ns % 1'000'000'000));
    ProtoText message;
    message.bytes(1, time.out).bytes(2, entry.line);
    for (const auto& [name, value] : entry.metadata) {
      ProtoText pair;
      message.bytes(3, pair.bytes(1, name).bytes(2, value).out);
    }
    stream.bytes(2, message.out);
  }
  ProtoText request;
  return request.bytes(1, stream.out).out;
}

inline std::string snappy_packed(std::string_view raw) {
  std::string out;
  snappy::Compress(raw.data(), raw.size(), &out);
  return out;
}

}  // namespace cordwood::ingest
