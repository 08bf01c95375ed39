// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "query/query_engine.h"
#include "query/tail_hub.h"

namespace cordwood::query {

struct TailRequest {
  std::string query;
  int64_t start_ns = 0;  ///< lines from here on, stored before now, come first
  uint32_t limit = 100;  ///< so many of them, the newest
  int64_t delay_ns = 0;  ///< lines wait so long for earlier ones
  bool categorize_labels = false;
};

struct TailEntry {
  LabelPairs labels;  ///< of the result stream
  LogEntry entry;
};

/// What there is to send now.
struct TailPage {
  std::vector<TailEntry> entries;  ///< at most Tail::kPageEntries, ascending in time
  std::vector<DroppedRow> dropped;
  bool again = false;   ///< there is more already
  int64_t wait_ns = 0;  ///< otherwise: ask again when woken, or after so long
};

/// Follows the lines that pass a log query: first stored ones, then each as it becomes visible, once.  Lines of a
/// stream come in the order of arrival, those that arrived closely together in the order of time.
class Tail {
 public:
  static constexpr size_t kPageEntries = 100;

  virtual ~Tail() = default;
  /// Blocks as a query does.  An error ends the tail: `reached tail max duration limit`, or why the stored lines cannot
  /// be read.  One thread at a time.
  virtual Result<TailPage> next(const std::atomic<bool>* cancelled) = 0;
  /// See TailInbox::set_wake().
  virtual void set_wake(std::function<void()> wake) = 0;
};

/// Begins tails.  Thread-safe; outlives them.
class TailReader {
 public:
  TailReader(QueryEngine::Environment environment, TailHub& hub) : environment_(std::move(environment)), hub_(hub) {}
  /// invalid or exhausted with Loki's text.
  Result<std::unique_ptr<Tail>> open(const ReadContext& context, const TailRequest& request) const;
  /// What is to be known before a client is given a tail: whether the query is one.
  static Result<void> check(const std::string& query);

 private:
  QueryEngine::Environment environment_;
  TailHub& hub_;
};

}  // namespace cordwood::query
