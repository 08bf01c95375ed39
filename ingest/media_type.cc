// SPDX-License-Identifier: Apache-2.0
#include "ingest/media_type.h"

#include <algorithm>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"

namespace cordwood::ingest {

namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// `; name=value` with a token or a quoted string as value; a lone `;` at the end is fine.
bool parameters_are_good(std::string_view text) {
  for (;;) {
    text = trimmed(text);
    if (text.empty() || text == ";") return true;
    if (text[0] != ';') return false;
    text = trimmed(text.substr(1));
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || !is_token(trimmed(text.substr(0, equals)))) return false;
    text = trimmed(text.substr(equals + 1));
    size_t end = std::min(text.find_first_of("; \t"), text.size());
    if (!text.empty() && text[0] == '"') {
      const size_t close = text.find('"', 1);
      if (close == std::string_view::npos) return false;
      end = close + 1;
    } else if (!is_token(text.substr(0, end))) {
      return false;
    }
    text = text.substr(end);
  }
}

}  // namespace

Result<std::string> parse_media_type(std::string_view content_type) {
  const size_t semicolon = std::min(content_type.find(';'), content_type.size());
  std::string type(trimmed(content_type.substr(0, semicolon)));
  std::transform(type.begin(), type.end(), type.begin(), fold_byte);
  if (type.empty()) return Error::invalid("mime: no media type");
  const size_t slash = std::min(type.find('/'), type.size());
  const std::string_view whole(type);
  if (!is_token(whole.substr(0, slash))) return Error::invalid("mime: no media type");
  if (slash == type.size() && type.find(' ') != std::string::npos) {
    return Error::invalid("mime: expected slash after first token");
  }
  if (slash < type.size()) {
    const std::string_view subtype = whole.substr(slash + 1);
    if (subtype.empty()) return Error::invalid("mime: expected token after slash");
    if (!is_token(subtype)) return Error::invalid("mime: unexpected content after media subtype");
  }
  if (!parameters_are_good(content_type.substr(semicolon))) return Error::invalid("mime: invalid media parameter");
  return type;
}

Result<BodyKind> loki_body_kind(std::string_view content_type, std::string_view content_encoding, bool legacy) {
  BodyKind kind;
  bool marked_snappy = false;
  if (content_encoding == "gzip") {
    kind.encoding = BodyEncoding::gzip;
  } else if (content_encoding == "deflate") {
    kind.encoding = BodyEncoding::deflate;
  } else if (content_encoding == "zstd") {
    kind.encoding = BodyEncoding::zstd;
  } else if (content_encoding == "snappy") {
    marked_snappy = true;
  } else if (!content_encoding.empty()) {
    std::string quoted;
    append_go_quoted(content_encoding, &quoted);
    return Error::invalid(fmt::format("Content-Encoding {} not supported", quoted));
  }
  TRY_ASSIGN(const std::string type, parse_media_type(content_type));
  if (type == "application/json") {
    kind.format = legacy ? BodyFormat::loki_json_v0 : BodyFormat::loki_json;
  } else {
    kind.format = BodyFormat::loki_protobuf;
    if (marked_snappy || kind.encoding == BodyEncoding::none) kind.encoding = BodyEncoding::snappy;
  }
  return kind;
}

Result<BodyKind> otlp_body_kind(std::string_view content_type, std::string_view content_encoding) {
  BodyKind kind;
  if (content_type == "application/json") {
    kind.format = BodyFormat::otlp_json;
  } else if (content_type == "application/x-protobuf") {
    kind.format = BodyFormat::otlp_protobuf;
  } else {
    return Error::invalid(fmt::format("content type: {} is not supported", content_type));
  }
  if (content_encoding == "gzip") {
    kind.encoding = BodyEncoding::gzip;
  } else if (content_encoding == "zstd") {
    kind.encoding = BodyEncoding::zstd;
  } else if (content_encoding == "lz4") {
    kind.encoding = BodyEncoding::lz4;
  } else if (!content_encoding.empty()) {
    return Error::invalid(
        fmt::format("unsupported content encoding {}: only gzip, lz4 and zstd are supported", content_encoding));
  }
  return kind;
}

Result<BodyKind> otlp_spec_body_kind(std::string_view content_type, std::string_view content_encoding) {
  const auto type = parse_media_type(content_type);
  if (!type.ok()) return otlp_body_kind(content_type, {});
  std::string encoding(content_encoding);
  std::transform(encoding.begin(), encoding.end(), encoding.begin(), fold_byte);
  return otlp_body_kind(*type, encoding == "identity" ? "" : encoding);
}

}  // namespace cordwood::ingest
