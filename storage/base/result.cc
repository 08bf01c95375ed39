// SPDX-License-Identifier: Apache-2.0
#include "storage/base/result.h"

namespace cordwood {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid: return "invalid";
    case ErrorKind::not_found: return "not found";
    case ErrorKind::corrupt: return "corrupt";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::exhausted: return "exhausted";
    case ErrorKind::io: return "io";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::timeout: return "timeout";
  }
  return "unknown";
}

Error Error::with_context(std::string_view where) const {
  std::string text(where);
  text += ": ";
  text += message;
  return {kind, std::move(text)};
}

}  // namespace cordwood
