// SPDX-License-Identifier: Apache-2.0
#include "storage/model/stream.h"

#include "storage/base/percent.h"

namespace cordwood {

std::string tenant_path(std::string_view tenant) {
  return "t/" + percent_encode(tenant, "-_");
}

std::shared_ptr<const Stream> Stream::make(TenantId tenant, StreamKind kind, Labels labels) {
  auto stream = std::make_shared<Stream>();
  std::string encoded(1, static_cast<char>(kind));
  labels.encode(&encoded);
  stream->id = xxh3_128(encoded);
  std::string family = tenant;
  family += '\0';
  family += static_cast<char>(kind);
  for (const auto& [name, value] : labels.pairs()) {
    family += name;
    family += '\0';
  }
  family += labels.get("service_name");
  stream->family = xxh3_64(family);
  stream->label_string = labels.to_string();
  stream->label_string.shrink_to_fit();
  stream->tenant = std::move(tenant);
  stream->kind = kind;
  stream->labels = std::move(labels);
  return stream;
}

}  // namespace cordwood
