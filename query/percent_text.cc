// SPDX-License-Identifier: Apache-2.0
#include "query/percent_text.h"

#include <fmt/format.h>

#include <iterator>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) out += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  std::string padded(text);
  while (padded.size() % 4 != 0) padded += '=';
  const auto illegal = [](size_t at) {
    return Error::invalid(fmt::format("illegal base64 data at input byte {}", at));
  };
  std::string out;
  uint32_t group = 0;
  size_t digits = 0;
  size_t i = 0;
  for (; i < padded.size(); ++i) {
    const char c = padded[i];
    if (c == '\n' || c == '\r') continue;
    if (c == '=') break;
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return illegal(i);
    group = group << 6 | static_cast<uint32_t>(value);
    if (++digits % 4 == 0) {
      for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(group >> shift & 0xFF);
      group = 0;
    }
  }
  const size_t left = digits % 4;
  if (i < padded.size()) {
    // Only as much padding as the last group lacks, and nothing behind it.
    if (left < 2) return illegal(i);
    const size_t missing = 4 - left;
    for (size_t j = 0; j < missing; ++j) {
      if (i + j >= padded.size() || padded[i + j] != '=') return illegal(i + j);
    }
    if (i + missing != padded.size()) return illegal(i + missing);
  } else if (left != 0) {
    return illegal(i - left);
  }
  if (left == 2) out += static_cast<char>(group >> 4 & 0xFF);
  if (left == 3) {
    out += static_cast<char>(group >> 10 & 0xFF);
    out += static_cast<char>(group >> 2 & 0xFF);
  }
  return out;
}

std::string query_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<std::string> query_unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
        std::string message = "invalid URL escape ";
        append_go_quoted(text.substr(i, 3), &message);
        return Error::invalid(std::move(message));
      }
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    }
  }
  return out;
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\0': out += kReplacementText; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string js_escape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const Utf8Rune rune = decode_utf8(text, i);
      if (is_printable(rune.value)) {
        out.append(text.substr(i, rune.size));
      } else {
        fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<uint32_t>(rune.value));
      }
      i += rune.size;
      continue;
    }
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += text[i];
    } else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == '=') {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", c);
    } else {
      out += text[i];
    }
    ++i;
  }
  return out;
}

}  // namespace cordwood::query
