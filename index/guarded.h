// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xapian.h>

#include <functional>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood::index {

/// Runs `body`, turning the library's exceptions into errors: corrupt for what is wrong with a database, else io.
template <typename T>
Result<T> guarded(std::string_view what, const std::function<Result<T>()>& body) {
  try {
    return body();
  } catch (const Xapian::DatabaseCorruptError& e) {
    return Error::corrupt(fmt::format("{}: {}", what, e.get_msg()));
  } catch (const Xapian::DatabaseVersionError& e) {
    return Error::corrupt(fmt::format("{}: {}", what, e.get_msg()));
  } catch (const Xapian::DatabaseOpeningError& e) {
    return Error::corrupt(fmt::format("{}: {}", what, e.get_msg()));
  } catch (const Xapian::Error& e) {
    return Error::io(fmt::format("{}: {}: {}", what, e.get_type(), e.get_msg()));
  }
}

}  // namespace cordwood::index
