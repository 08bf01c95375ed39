// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/query_client.h"

namespace cordwood::api {

enum class OutputForm : unsigned char { standard, raw, jsonl };

/// Turns what was fetched into what is printed.
class QueryPrinter {
 public:
  QueryPrinter(OutputForm form, bool colours) : form_(form), colours_(colours) {}
  /// Everything of a page: its lines, or its series.
  std::string print(const FetchedPage& page) const;

 private:
  void append_line(const FetchedLine& line, std::string* out) const;
  void append_series(const FetchedPage& page, std::string* out) const;
  void append_labels(const TextPairs& labels, std::string* out) const;
  void paint(const char* colour, std::string_view text, std::string* out) const;

  OutputForm form_;
  bool colours_;
};

/// Figures of a `stats` object, one a line.
std::string print_stats(const std::string& stats_json);

}  // namespace cordwood::api
