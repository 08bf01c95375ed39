// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "api/http_message.h"
#include "storage/base/clock.h"
#include "storage/base/logger.h"
#include "storage/base/metrics.h"
#include "storage/base/result.h"

namespace cordwood::api {

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 3100;  ///< 0: any free one, see HttpServer::port()
  size_t io_threads = 2;
  size_t push_threads = 32;       ///< most of them wait for fsync
  size_t query_threads = 64;      ///< most of them wait for their turn
  size_t max_connections = 1024;  ///< further ones wait in the kernel's queue
  uint32_t header_limit_bytes = 256u << 10;
  int64_t idle_timeout_ns = 120'000'000'000;
  int64_t header_timeout_ns = 10'000'000'000;
  int64_t body_timeout_ns = 30'000'000'000;   ///< for a whole request body
  int64_t write_timeout_ns = 30'000'000'000;  ///< for each MB of an answer
  int64_t memory_wait_ns = 2'000'000'000;     ///< how long a body waits for its share of memory before 503
};

/// Which threads run a request, so that slow ones of a kind do not hold up the others.
enum class WorkClass : unsigned char { quick, push, query };

/// What is decided once the header is there.
struct HttpPlan {
  WorkClass work = WorkClass::quick;
  uint64_t body_limit_bytes = 1 << 20;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Called on an I/O thread with no body yet; must be quick.
  virtual HttpPlan plan(const HttpRequest& head) = 0;
  /// Called on a worker thread, by many at once.
  virtual HttpResponse handle(HttpRequest& request) = 0;
};

/// HTTP/1.1 server: keep-alive, pipelining, chunked bodies, Expect: 100-continue, gzip, time and size limits.
class HttpServer {
 public:
  struct Environment {
    HttpHandler* handler = nullptr;
    MemoryAccountant* memory = nullptr;
    Clock* clock = nullptr;
    Logger* log = nullptr;
    Metrics* metrics = nullptr;
  };
  /// Listens and serves from its own threads.  io when the address cannot be had.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, Environment environment);
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  /// Stops accepting, lets running requests finish for at most `grace_ns`, then closes what is left.
  virtual void drain(int64_t grace_ns) = 0;
};

}  // namespace cordwood::api
