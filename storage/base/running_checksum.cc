// SPDX-License-Identifier: Apache-2.0
#include "storage/base/running_checksum.h"

#include <xxhash.h>

#include "storage/base/check.h"

namespace cordwood {

struct RunningChecksum::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

RunningChecksum::RunningChecksum() : state_(std::make_unique<State>()) {
  CHECK(state_->xxh != nullptr && XXH3_64bits_reset(state_->xxh) == XXH_OK, "no memory for a checksum");
}
RunningChecksum::~RunningChecksum() = default;

void RunningChecksum::update(std::string_view data) {
  CHECK(XXH3_64bits_update(state_->xxh, data.data(), data.size()) == XXH_OK, "checksum of {} bytes", data.size());
}

uint64_t RunningChecksum::value() const {
  return XXH3_64bits_digest(state_->xxh);
}

}  // namespace cordwood
