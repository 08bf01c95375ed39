// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cordwood::api {

using ErrorCode = boost::system::error_code;

/// co_await what is given this: an error goes into `ec` instead of being thrown.
inline auto into(ErrorCode& ec) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, ec);
}

}  // namespace cordwood::api
