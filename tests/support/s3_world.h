// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "storage/base/check.h"
#include "storage/s3_store.h"
#include "tests/support/s3_double.h"

namespace cordwood {

/// A bucket in memory and what a store over it needs.  Waits between tries are counted, not waited.
struct S3World {
  explicit S3World(S3Double::Options bucket_options = {}) : bucket(std::move(bucket_options)) {
    S3Location& at = options.location;
    at.bucket = bucket.options().bucket;
    at.prefix = "some/where";
    at.region = bucket.options().region;
    at.endpoint = bucket.endpoint();
    at.path_style = !bucket.options().virtual_host;
    if (bucket.options().virtual_host) at.endpoint.replace(7, 9, "localhost");
    options.access_key_id = bucket.options().access_key_id;
    options.secret_access_key = bucket.options().secret_access_key;
    options.session_token = bucket.options().session_token;
    options.part_bytes = 64u << 10;
  }
  S3Environment environment() {
    return {.fs = &fs,
            .clock = bucket.options().clock != nullptr ? bucket.options().clock : &system_clock,
            .random = &random,
            .metrics = &metrics,
            .log = log.get(),
            .variable = [this](const std::string& name) -> std::optional<std::string> {
              const auto found = variables.find(name);
              return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
            },
            .wait_ns = [this](int64_t ns) { waited_ns += ns; }};
  }
  Result<void> try_open() {
    TRY_ASSIGN(store, open_s3_store(options, environment()));
    return {};
  }
  void open() {
    const Result<void> opened = try_open();
    CHECK(opened.ok(), "{}", opened.error().message);
  }
  /// Requests of a kind that came so far.
  size_t count(const std::string& op) const {
    size_t n = 0;
    for (const auto& seen : bucket.seen()) n += seen.op == op ? 1 : 0;
    return n;
  }

  S3Double bucket;
  S3Options options;
  PosixFileSystem fs;
  SystemClock system_clock;
  SystemRandom random;
  Metrics metrics;
  std::shared_ptr<Logger> log = Logger::silent();
  std::map<std::string, std::string> variables;
  std::atomic<int64_t> waited_ns{0};
  std::unique_ptr<ObjectStore> store;
};

}  // namespace cordwood
