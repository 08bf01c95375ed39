// SPDX-License-Identifier: Apache-2.0
#include "query/template_printf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "query/number_text.h"
#include "storage/model/labels.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

constexpr int kMaxWidth = 4096;  ///< of padding, so that a format cannot ask for gigabytes

struct Verb {
  char32_t letter = 'v';
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  std::optional<int> width, precision;
};

size_t rune_count(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); i += decode_utf8(text, i).size) ++count;
  return count;
}

void append_padded(std::string_view text, const Verb& verb, std::string* out) {
  const auto width = static_cast<size_t>(verb.width.value_or(0));
  const size_t runes = rune_count(text);
  const size_t missing = width > runes ? width - runes : 0;
  if (!verb.minus) out->append(missing, ' ');
  *out += text;
  if (verb.minus) out->append(missing, ' ');
}

/// A number whose sign and digits are apart, so that zeros can go between.
void append_number(std::string_view sign, std::string digits, const Verb& verb, std::string* out) {
  const auto width = static_cast<size_t>(verb.width.value_or(0));
  if (verb.zero && !verb.minus && sign.size() + digits.size() < width) {
    digits.insert(0, width - sign.size() - digits.size(), '0');
  }
  append_padded(std::string(sign) + digits, verb, out);
}

std::string_view sign_of(bool negative, const Verb& verb) {
  if (negative) return "-";
  return verb.plus ? "+" : verb.space ? " " : "";
}

void append_bad_verb(const TemplateValue& value, const Verb& verb, std::string* out) {
  *out += "%!";
  append_utf8(verb.letter, out);
  *out += '(';
  if (value.kind != ValueKind::none) {
    *out += go_type_name(value);
    *out += '=';
  }
  append_default_text(value, out);
  *out += ')';
}

std::string quoted_rune(int64_t value) {
  std::string rune;
  append_utf8(value >= 0 && value <= 0x10FFFF ? static_cast<char32_t>(value) : 0xFFFD, &rune);
  std::string text;
  append_go_quoted(rune, &text);
  if (rune == "'") return "'\\''";
  if (rune == "\"") return "'\"'";
  return "'" + text.substr(1, text.size() - 2) + "'";
}

void append_integer(const TemplateValue& value, const Verb& verb, std::string* out) {
  const bool negative = value.integer < 0;
  const uint64_t size = negative ? 0 - static_cast<uint64_t>(value.integer) : static_cast<uint64_t>(value.integer);
  const std::string_view sign = sign_of(negative, verb);
  std::string digits;
  switch (verb.letter) {
    case 'v':
    case 'd': digits = fmt::format("{}", size); break;
    case 'b': digits = fmt::format("{}{:b}", verb.sharp ? "0b" : "", size); break;
    case 'o': digits = fmt::format("{}{:o}", verb.sharp ? "0" : "", size); break;
    case 'O': digits = fmt::format("0o{:o}", size); break;
    case 'x': digits = fmt::format("{}{:x}", verb.sharp ? "0x" : "", size); break;
    case 'X': digits = fmt::format("{}{:X}", verb.sharp ? "0X" : "", size); break;
    case 'U': return append_padded(fmt::format("U+{:04X}", size), verb, out);
    case 'c': {
      std::string rune;
      append_utf8(size <= 0x10FFFF ? static_cast<char32_t>(size) : 0xFFFD, &rune);
      return append_padded(rune, verb, out);
    }
    case 'q': return append_padded(quoted_rune(value.integer), verb, out);
    default: return append_bad_verb(value, verb, out);
  }
  if (verb.precision && digits.size() < static_cast<size_t>(*verb.precision)) {
    digits.insert(0, static_cast<size_t>(*verb.precision) - digits.size(), '0');
  }
  append_number(sign, std::move(digits), verb, out);
}

/// The fewest digits, with an exponent below 1e-4 and from 1e6.
std::string shortest_general(double value) {
  return format_float_general(value);
}

void append_real(const TemplateValue& value, const Verb& verb, std::string* out) {
  const double size = std::fabs(value.real);
  const bool negative = std::signbit(value.real) && !std::isnan(value.real);
  std::string digits;
  const int precision = verb.precision.value_or(6);
  switch (verb.letter) {
    case 'v': digits = verb.precision ? fmt::format("{:.{}g}", size, precision) : shortest_general(size); break;
    case 'g':
    case 'G':
      digits = verb.precision ? fmt::format("{:.{}g}", size, precision) : shortest_general(size);
      if (verb.letter == 'G') std::transform(digits.begin(), digits.end(), digits.begin(), ::toupper);
      break;
    case 'e': digits = fmt::format("{:.{}e}", size, precision); break;
    case 'E': digits = fmt::format("{:.{}E}", size, precision); break;
    case 'f':
    case 'F': digits = fmt::format("{:.{}f}", size, precision); break;
    default: return append_bad_verb(value, verb, out);
  }
  if (!std::isfinite(size)) {
    Verb plain = verb;
    plain.zero = false;
    const std::string_view sign = std::isinf(size) && !negative && verb.plus ? "+" : negative ? "-" : "";
    const bool shows_plus = std::isinf(size) && sign.empty();
    return append_padded(std::isnan(size) ? "NaN" : fmt::format("{}Inf", shows_plus ? "+" : sign), plain, out);
  }
  append_number(sign_of(negative, verb), std::move(digits), verb, out);
}

void append_text(std::string_view text, const TemplateValue& value, const Verb& verb, std::string* out) {
  std::string_view cut = text;
  if (verb.precision) {
    size_t at = 0;
    for (int i = 0; i < *verb.precision && at < text.size(); ++i) at += decode_utf8(text, at).size;
    cut = text.substr(0, at);
  }
  switch (verb.letter) {
    case 'v':
      if (!verb.sharp) return append_padded(cut, verb, out);
      [[fallthrough]];
    case 'q': {
      std::string quoted;
      append_go_quoted(cut, &quoted);
      if (verb.sharp && verb.letter == 'q' && cut.find('`') == std::string_view::npos) {
        quoted = "`" + std::string(cut) + "`";
      }
      return append_padded(quoted, verb, out);
    }
    case 's': return append_padded(cut, verb, out);
    case 'x':
    case 'X': {
      std::string hex;
      for (const char c : verb.precision ? text.substr(0, static_cast<size_t>(*verb.precision)) : text) {
        if (verb.space && !hex.empty()) hex += ' ';
        const auto byte = static_cast<unsigned char>(c);
        hex += verb.letter == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
      }
      if (verb.sharp && !hex.empty()) hex.insert(0, verb.letter == 'x' ? "0x" : "0X");
      return append_padded(hex, verb, out);
    }
    default: return append_bad_verb(value, verb, out);
  }
}

void append_value(const TemplateValue& value, const Verb& verb, std::string* out);

void append_members(const TemplateValue& value, const Verb& verb, std::string* out) {
  *out += value.kind == ValueKind::list ? "[" : "map[";
  bool first = true;
  const auto separate = [&] {
    if (!first) *out += ' ';
    first = false;
  };
  if (value.kind == ValueKind::labels) {
    std::vector<std::pair<std::string_view, std::string_view>> all;
    value.labels->list(&all);
    std::sort(all.begin(), all.end());
    for (const auto& [name, text] : all) {
      separate();
      append_value(TemplateValue::of_string(name), verb, out);
      *out += ':';
      append_value(TemplateValue::of_string(text), verb, out);
    }
  } else if (value.kind == ValueKind::map) {
    for (const auto& [name, member] : value.tree->members) {
      separate();
      append_value(TemplateValue::of_string(name), verb, out);
      *out += ':';
      append_value(member, verb, out);
    }
  } else {
    for (const TemplateValue& item : value.tree->items) {
      separate();
      append_value(item, verb, out);
    }
  }
  *out += ']';
}

void append_value(const TemplateValue& value, const Verb& verb, std::string* out) {
  if (verb.letter == 'T') return append_padded(go_type_name(value), verb, out);
  switch (value.kind) {
    case ValueKind::none:
      if (verb.letter == 'v') return append_padded("<nil>", verb, out);
      return append_bad_verb(value, verb, out);
    case ValueKind::boolean:
      if (verb.letter == 't' || verb.letter == 'v') return append_padded(value.boolean ? "true" : "false", verb, out);
      return append_bad_verb(value, verb, out);
    case ValueKind::integer:
    case ValueKind::integer64:
    case ValueKind::byte: return append_integer(value, verb, out);
    case ValueKind::real: return append_real(value, verb, out);
    case ValueKind::string: return append_text(value.string, value, verb, out);
    case ValueKind::time: return append_text(go_time_to_string(value.time), value, verb, out);
    case ValueKind::labels:
    case ValueKind::map:
    case ValueKind::list: return append_members(value, verb, out);
  }
}

/// Works through one format text.
class Formatter {
 public:
  Formatter(std::string_view format, const TemplateValue* arguments, size_t count)
      : format_(format), arguments_(arguments), count_(count) {}

  std::string run() {
    while (at_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < format_.size()) one_verb();
    }
    if (next_ < count_) extra();
    return std::move(out_);
  }

 private:
  bool more() const { return at_ < format_.size(); }

  bool flag(Verb* verb) {
    switch (format_[at_]) {
      case '+': verb->plus = true; return true;
      case '-': verb->minus = true; return true;
      case '#': verb->sharp = true; return true;
      case ' ': verb->space = true; return true;
      case '0': verb->zero = true; return true;
      default: return false;
    }
  }

  std::optional<int> number(std::string_view what) {
    if (more() && format_[at_] == '*') {
      ++at_;
      if (next_ < count_ && arguments_[next_].is_integer()) {
        return static_cast<int>(std::clamp<int64_t>(arguments_[next_++].integer, -kMaxWidth, kMaxWidth));
      }
      if (next_ < count_) ++next_;
      out_ += fmt::format("%!(BAD{})", what);
      return std::nullopt;
    }
    if (!more() || format_[at_] < '0' || format_[at_] > '9') return std::nullopt;
    int value = 0;
    for (; more() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      value = std::min(value * 10 + (format_[at_] - '0'), kMaxWidth);
    }
    return value;
  }

  void one_verb() {
    Verb verb;
    while (more() && flag(&verb)) ++at_;
    verb.width = number("WIDTH");
    if (verb.width && *verb.width < 0) {
      verb.minus = true;
      verb.width = -*verb.width;
    }
    if (more() && format_[at_] == '.') {
      ++at_;
      verb.precision = std::max(number("PREC").value_or(0), 0);
    }
    if (!more()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const Utf8Rune rune = decode_utf8(format_, at_);
    verb.letter = rune.value;
    at_ += rune.size;
    if (verb.letter == '%') {
      out_ += '%';
    } else if (next_ >= count_) {
      out_ += "%!";
      append_utf8(verb.letter, &out_);
      out_ += "(MISSING)";
    } else {
      append_value(arguments_[next_++], verb, &out_);
    }
  }

  void extra() {
    out_ += "%!(EXTRA ";
    for (size_t i = next_; i < count_; ++i) {
      if (i > next_) out_ += ", ";
      if (arguments_[i].kind != ValueKind::none) {
        out_ += go_type_name(arguments_[i]);
        out_ += '=';
      }
      append_default_text(arguments_[i], &out_);
    }
    out_ += ')';
  }

  std::string_view format_;
  const TemplateValue* arguments_;
  size_t count_;
  size_t at_ = 0;
  size_t next_ = 0;
  std::string out_;
};

}  // namespace

std::string go_sprintf(std::string_view format, const TemplateValue* arguments, size_t count) {
  return Formatter(format, arguments, count).run();
}

std::string go_sprint(const TemplateValue* arguments, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    const bool text = arguments[i].kind == ValueKind::string || (i > 0 && arguments[i - 1].kind == ValueKind::string);
    if (i > 0 && !text) out += ' ';
    append_default_text(arguments[i], &out);
  }
  return out;
}

}  // namespace cordwood::query
