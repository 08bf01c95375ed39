// SPDX-License-Identifier: Apache-2.0
// Answers of a bucket, of STS and of metadata services.  The first byte chooses which.
#include <cstddef>
#include <cstdint>

#include "storage/base/check.h"
#include "storage/s3_answers.h"
#include "storage/s3_time.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0: {
      const auto listing = cordwood::parse_s3_listing(text);
      if (!listing.ok()) return 0;
      for (size_t i = 1; i < listing->objects.size(); ++i) {
        CHECK(listing->objects[i - 1].key < listing->objects[i].key);
      }
      return 0;
    }
    case 1: static_cast<void>(cordwood::parse_s3_failure(text)); return 0;
    case 2:
      static_cast<void>(cordwood::parse_upload_id(text).ok());
      static_cast<void>(cordwood::parse_s3_uploads(text).ok());
      return 0;
    case 3:
      static_cast<void>(cordwood::parse_sts_credentials(text).ok());
      static_cast<void>(cordwood::parse_http_time(text));
      return 0;
    default:
      static_cast<void>(cordwood::parse_json_credentials(text).ok());
      static_cast<void>(cordwood::parse_iso_time(text));
      return 0;
  }
}
