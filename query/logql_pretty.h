// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "query/logql_ast.h"

namespace cordwood::query {

/// The canonical text, with every part longer than 100 bytes spread over indented lines.
std::string pretty_print(const Expr& expr);

}  // namespace cordwood::query
