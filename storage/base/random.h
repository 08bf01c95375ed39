// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace cordwood {

/// The only source of randomness: names that must be unique, and waits that must not fall together.  Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
  /// 32 hex digits.
  std::string hex128();
};

/// The operating system's.
class SystemRandom final : public Random {
 public:
  uint64_t next() override;
};

}  // namespace cordwood
