// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/http_message.h"
#include "query/trace_answer.h"

namespace cordwood::api {

/// `{"traceId","start","end","services":[…],"lines":[…]}`, written piece by piece as the client takes it.
HttpResponse encode_trace(query::TraceAnswer answer);

}  // namespace cordwood::api
