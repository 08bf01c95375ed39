// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ingest/json_reader.h"
#include "storage/base/result.h"

namespace cordwood::ingest {

/// Calls `stream` with the reader at each element of the `streams` of a push, which both of Loki's JSON bodies have.
template <typename Stream>
Result<void> for_each_pushed_stream(std::string_view body, Stream stream) {
  JsonReader in(body);
  if (in.at_end()) return Error::invalid("EOF");
  if (in.peek() == JsonKind::null) return {};
  in.enter_object();
  RawString key;
  while (in.next_key(&key)) {
    if (key.text != "streams" || in.peek() == JsonKind::null) {
      in.skip_value();
      continue;
    }
    if (!in.enter_array()) break;
    while (in.next_element()) TRY(stream(&in));
  }
  if (in.failed()) return in.error();
  return {};
}

}  // namespace cordwood::ingest
