// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/http_message.h"

namespace cordwood::api {

/// A plain-text answer with the headers Go's servers send.
HttpResponse text_response(int status, std::string text);
/// As Loki answers a failed read: the message alone.
HttpResponse read_error(const Error& error);
HttpResponse json_response(std::string json);

}  // namespace cordwood::api
