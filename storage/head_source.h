// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/head_block.h"

namespace cordwood {

/// The rows of a prefix as a block.  They are sorted when first opened.
BlockSourcePtr make_head_source(HeadPrefix prefix);

}  // namespace cordwood
