// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace cordwood::api {

/// Packs a body piece by piece as gzip.  One thread at a time.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  /// Appends what comes out of `piece`; with `last` the stream ends.
  void write(std::string_view piece, bool last, std::string* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether an Accept-Encoding value allows gzip.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace cordwood::api
