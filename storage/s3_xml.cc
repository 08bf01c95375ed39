// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_xml.h"

#include "storage/base/ascii.h"
#include "storage/model/utf8.h"

namespace cordwood {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view local_name(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// What stands between '&' and ';'.  False when it is nothing known.
bool append_reference(std::string_view name, std::string* out) {
  static constexpr std::pair<std::string_view, char> kNamed[] = {
      {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [known, c] : kNamed) {
    if (name == known) {
      out->push_back(c);
      return true;
    }
  }
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  const bool hex = name.starts_with('x');
  if (hex) name.remove_prefix(1);
  if (name.empty() || name.size() > 7) return false;
  uint32_t rune = 0;
  for (const char c : name) {
    if (!(hex ? is_hex_digit(c) : is_digit(c))) return false;
    rune = rune * (hex ? 16 : 10) + static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  if (rune == 0 || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) return false;
  append_utf8(rune, out);
  return true;
}

Result<void> append_text(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const size_t mark = std::min(text.find('&'), text.size());
    out->append(text.substr(0, mark));
    text.remove_prefix(mark);
    if (text.empty()) break;
    const size_t end = text.find(';');
    if (end == std::string_view::npos || !append_reference(text.substr(1, end - 1), out)) {
      return Error::corrupt("XML: a reference is malformed");
    }
    text.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

XmlReader::Event XmlReader::pop() {
  Event event{true, open_.back().name, std::move(open_.back().text), open_.size()};
  open_.pop_back();
  return event;
}

/// Comments, instructions, a DOCTYPE without a subset, CDATA.  False when something else stands here.
Result<bool> XmlReader::skip_markup() {
  static constexpr std::pair<std::string_view, std::string_view> kSkipped[] = {{"<?", "?>"}, {"<!--", "-->"}};
  for (const auto& [begin, end] : kSkipped) {
    if (!rest_.starts_with(begin)) continue;
    const size_t at = rest_.find(end, begin.size());
    if (at == std::string_view::npos) return Error::corrupt("XML: markup without an end");
    rest_.remove_prefix(at + end.size());
    return true;
  }
  static constexpr std::string_view kCdata = "<![CDATA[";
  if (rest_.starts_with(kCdata)) {
    const size_t at = rest_.find("]]>");
    if (at == std::string_view::npos || open_.empty()) return Error::corrupt("XML: CDATA out of place");
    open_.back().text.append(rest_.substr(kCdata.size(), at - kCdata.size()));
    rest_.remove_prefix(at + 3);
    return true;
  }
  if (rest_.starts_with("<!")) return Error::corrupt("XML: a declaration");
  return false;
}

Result<void> XmlReader::begin_element() {
  // Attributes may hold '>' in their quotes.
  size_t end = 1;
  for (char quote = 0; end < rest_.size(); ++end) {
    const char c = rest_[end];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      break;
    } else if (c == '<') {
      return Error::corrupt("XML: '<' within a tag");
    }
  }
  if (end >= rest_.size()) return Error::corrupt("XML: a tag without an end");
  std::string_view tag = rest_.substr(1, end - 1);
  rest_.remove_prefix(end + 1);
  empty_element_ = tag.ends_with('/');
  if (empty_element_) tag.remove_suffix(1);
  const std::string_view name = local_name(tag.substr(0, tag.find_first_of(kSpace)));
  if (name.empty()) return Error::corrupt("XML: an element without a name");
  if (open_.size() >= kMaxDepth) return Error::corrupt("XML: nested too deeply");
  open_.push_back({name, {}});
  event_ = Event{false, name, {}, open_.size()};
  return {};
}

Result<void> XmlReader::end_element() {
  const size_t end = rest_.find('>');
  if (end == std::string_view::npos) return Error::corrupt("XML: a tag without an end");
  std::string_view tag = rest_.substr(2, end - 2);
  tag = tag.substr(0, tag.find_first_of(kSpace));
  rest_.remove_prefix(end + 1);
  if (open_.empty() || local_name(tag) != open_.back().name) return Error::corrupt("XML: an end without a beginning");
  event_ = pop();
  return {};
}

Result<std::optional<XmlReader::Event>> XmlReader::next() {
  if (empty_element_) {
    empty_element_ = false;
    return std::optional<Event>(pop());
  }
  event_.reset();
  while (!rest_.empty() && !event_) {
    if (rest_[0] != '<') {
      const std::string_view text = rest_.substr(0, std::min(rest_.find('<'), rest_.size()));
      rest_.remove_prefix(text.size());
      if (open_.empty()) continue;  // a byte order mark, a line's end
      TRY(append_text(text, &open_.back().text));
      continue;
    }
    TRY_ASSIGN(const bool skipped, skip_markup());
    if (skipped) continue;
    TRY(rest_.starts_with("</") ? end_element() : begin_element());
  }
  if (!event_ && !open_.empty()) return Error::corrupt("XML: ends too early");
  return event_;
}

}  // namespace cordwood
